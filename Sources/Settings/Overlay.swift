extension Node {
    /// This node with `overlay` laid over it: mappings merge name by name, everything else is replaced whole.
    ///
    /// Every part keeps the place where it was written, so that a later message names the overlay's line when the
    /// overlay is at fault.
    public func overlaid(by overlay: Node) -> Node {
        guard case .mapping(var entries) = content, case .mapping(let above) = overlay.content else { return overlay }
        for entry in above {
            if let index = entries.firstIndex(where: { $0.key == entry.key }) {
                entries[index].value = entries[index].value.overlaid(by: entry.value)
                entries[index].keyMark = entry.keyMark
            } else {
                entries.append(entry)
            }
        }
        return Node(.mapping(entries), at: mark)
    }
}
