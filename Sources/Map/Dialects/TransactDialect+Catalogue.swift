import Support

/// What is asked of a T-SQL server about what it has.
extension TransactDialect {
    /// The names of all that the schema has, with their kinds, and the definitions of views.
    func listing() -> String {
        """
        SELECT o.name, RTRIM(o.type), m.definition
        FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
        LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
        WHERE s.name = \(text(schema)) AND o.parent_object_id = 0
        """
    }

    /// The external tables of the schema, each with its data source.
    func tableListing() -> String {
        """
        SELECT t.name, d.name
        FROM sys.external_tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
        JOIN sys.external_data_sources d ON d.data_source_id = t.data_source_id
        WHERE s.name = \(text(schema))
        """
    }

    /// The view that holds the list of the job's external tables.
    var ledgerName: String { usable(mark) }

    /// What a ledger says.
    func entries(of ledger: String) -> String { "SELECT entries FROM \(full(ledger))" }

    /// Makes or replaces the job's ledger.
    func ledger(_ ledger: TransactLedger, isThere: Bool) -> String {
        let body = "SELECT CAST(\(text(ledger.text)) AS nvarchar(max)) AS entries"
        let mark = TransactMark(owner: mark, hash: MapFingerprint.of(body), source: TransactMark.ledger)
        return "\(isThere ? "ALTER" : "CREATE") VIEW \(full(ledgerName)) AS\n\(mark.text)\n\(body)"
    }
}
