// Transport: requests over HTTP, with one policy for retries, time and trust.
