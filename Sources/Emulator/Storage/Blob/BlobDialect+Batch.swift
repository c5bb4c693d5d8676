import HTTPServer
import Support

extension BlobDialect {
    func batch(_ call: StorageCall) async throws(StorageFault) -> ServerResponse { throw .absent("batch") }
}
