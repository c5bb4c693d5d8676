// Stores: object stores behind one protocol, by their URLs.
