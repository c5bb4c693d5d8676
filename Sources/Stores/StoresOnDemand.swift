public import Storage
public import Support
import Synchronization

extension Stores: StoreOpener {
    /// What `text` names: a path of this machine, or a path in a container.
    public func place(of text: String) throws(SluiceError) -> FilePlace {
        if !StoreURL.isURL(text) { return try LocalStores().place(of: text) }
        let place = try place(text)
        return .stored(place.store, place.path)
    }

    /// The folder, or the container with a path in it, that `text` names.
    public func store(at text: String) throws(SluiceError) -> any ObjectStore {
        StoreURL.isURL(text) ? try store(text) : try LocalStores().store(at: text)
    }
}

/// Stores that are set up when the first URL is opened, so that whoever works with paths alone needs no settings of Azure.
public final class StoresOnDemand: StoreOpener {
    private let make: @Sendable () throws(SluiceError) -> Stores
    private let made = Mutex<Stores?>(nil)

    /// Stores that `make` sets up, once.
    public init(_ make: @escaping @Sendable () throws(SluiceError) -> Stores) { self.make = make }

    /// What `text` names.
    public func place(of text: String) throws(SluiceError) -> FilePlace {
        StoreURL.isURL(text) ? try stores().place(of: text) : try LocalStores().place(of: text)
    }

    /// The folder, or the container with a path in it, that `text` names.
    public func store(at text: String) throws(SluiceError) -> any ObjectStore {
        StoreURL.isURL(text) ? try stores().store(at: text) : try LocalStores().store(at: text)
    }

    private func stores() throws(SluiceError) -> Stores {
        let result = made.withLock { made -> Result<Stores, SluiceError> in
            if let made { return .success(made) }
            do throws(SluiceError) {
                let stores = try make()
                made = stores
                return .success(stores)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
