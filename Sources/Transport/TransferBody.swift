import Support
import Synchronization

/// The body of an answer. Letting go of it breaks the transfer off, unless it has arrived.
final class TransferBody: ByteStream {
    let name: String
    private let transfer: Transfer
    private let record: HTTPExchangeRecord?
    private let broken = Mutex<TransferFailure?>(nil)

    init(_ transfer: Transfer, record: HTTPExchangeRecord?) {
        self.transfer = transfer
        self.record = record
        name = transfer.plan.request.url.description
    }

    /// Why it broke off, if it did.
    var failure: TransferFailure? { broken.withLock { $0 } }

    deinit {
        transfer.drop(.cancelled(transfer.plan))
        record?.ended(nil, sent: transfer.sentCount)
    }

    func next() async throws(SluiceError) -> Buffer? {
        do throws(TransferFailure) {
            guard let bytes = try await transfer.next() else {
                record?.passed(transfer.handedCount)
                record?.ended(nil, sent: transfer.sentCount)
                return nil
            }
            record?.received(bytes)
            return bytes
        } catch {
            broken.withLock { $0 = error }
            record?.ended(error.error, sent: transfer.sentCount)
            throw error.error
        }
    }
}
