// Azure: what Microsoft's cloud asks of a client.
//
//     AzureClient ──▶ HTTPClient (Transport)        one door: who asks, an id, what errors mean
//        ▲   ▲  └─▶ AzureIdentity                    tokens: environment, workload, managed, command line
//        │   ├── KeyVaultClient                      secrets
//        │   └── StorageService ◀── BlobClient       blobs, blocks, leases
//        │            ▲        └─── PathClient       files and folders of Data Lake Storage
//     AzureCloud      └ Signing                      shared keys, signatures, CRC64 and digests
//
// Clouds and their hosts are values (`AzureCloud`), settings come from the environment, and nothing is asked before it is needed.
