public import Support

extension AutoscaleFormula {
    /// The formula for pools that nobody wrote one for: as many nodes as the tasks that wait or run can use, within bounds.
    ///
    /// It counts running tasks as well as waiting ones, so that a pool does not shrink under long tasks; it does not trust a
    /// single sample where there are enough, so that it does not shrink in a short gap; and nodes go when their tasks have
    /// ended. Where samples are missing, as in a new pool, the last one counts.
    ///
    /// It rounds by dividing only: how Batch rounds is not documented, and this comes out right either way.
    ///
    /// - parameters:
    ///   - isSpot: Whether the nodes are spot nodes, which cost less and can be taken away.
    ///   - window: How many minutes of samples count.
    public static func standard(
        nodes: ClosedRange<Int>, slotsPerNode: Int = 1, isSpot: Bool = false, window: Int = 5
    ) throws(SluiceError) -> AutoscaleFormula {
        let target = isSpot ? "$TargetLowPriorityNodes" : "$TargetDedicatedNodes"
        let other = isSpot ? "$TargetDedicatedNodes" : "$TargetLowPriorityNodes"
        return try AutoscaleFormula(
            """
            window = TimeInterval_Minute * \(max(1, window));
            percent = $PendingTasks.GetSamplePercent(window);
            last = max(0, $PendingTasks.GetSample(1));
            tasks = percent < 70 ? last : max(last, avg($PendingTasks.GetSample(window)));
            nodes = (tasks + \(max(1, slotsPerNode) - 1)) / \(max(1, slotsPerNode));
            \(target) = max(\(nodes.lowerBound), min(\(nodes.upperBound), nodes));
            \(other) = 0;
            $NodeDeallocationOption = taskcompletion;
            """)
    }
}
