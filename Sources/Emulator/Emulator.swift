// Emulator: an Azure on this machine, for development and tests.
//
//     EmulatorServer ──▶ EmulatedRequest ──▶ StorageAccess ──▶ EmulatedService
//      listens, counts     whose it is, by      who asks, and     tokens, vault, queues, blobs, DFS;
//      faults, traces      host or by path      may they          each with its own store
//
// A service sees requests as if each came to its own host. What all of them share stands in Frame: addresses, errors as
// Azure words them, fault switches, the trace. Access says who a caller is; the tokens that it trusts are Identity's.
