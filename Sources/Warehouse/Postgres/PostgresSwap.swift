import Columns
import Postgres
import Support

/// Puts a new table in the place of an old one, in one transaction: readers see the one or the other.
///
/// Whatever else knows the old table knows it by its number and would lose it. So this is done only with a table that
/// nothing hangs on, and of which everything that it has can be given to the new one: owner, grants, defaults, checks,
/// indexes, keys, comments. Any other has its rows exchanged instead.
struct PostgresSwap: Sendable {
    private let connection: PostgresConnection
    private let table: PostgresCatalogue.Table
    private let dialect = PostgresDialect()
    /// The new table's name as long as the old one is there.
    private let beside: TableName
    /// The same as SQL.
    let besideSQL: String

    init(_ connection: PostgresConnection, table: PostgresCatalogue.Table) throws(SluiceError) {
        self.connection = connection
        self.table = table
        // By the old table's number, so that two swaps of different tables never meet.
        beside = TableName(schema: table.name.schema, "sluice_new_\(table.oid ?? "0")")
        besideSQL = try dialect.quote(beside)
    }

    // MARK: Whether

    /// Whether everything that there is of the table is known here, and nothing else knows of it.
    func isPossible(_ oid: String) async throws(SluiceError) -> Bool {
        let isPlain = try await connection.query(Self.plain, [oid]).single == "t"
        if !isPlain { return false }
        return try await indexes(oid) != nil
    }

    private static let plain = """
        SELECT c.relkind = 'r' AND c.relpersistence = 'p' AND NOT c.relispartition AND NOT c.relhassubclass
            AND NOT c.relrowsecurity AND NOT c.relforcerowsecurity AND NOT c.relhastriggers AND NOT c.relhasrules
            AND c.reloptions IS NULL AND c.reltablespace = 0 AND c.reloftype = 0 AND c.relreplident = 'd'
            AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'heap')
            AND pg_get_userbyid(c.relowner) = current_user
            AND has_schema_privilege(c.relnamespace, 'CREATE')
            AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid OR inhparent = c.oid)
            AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)
            AND NOT EXISTS (SELECT FROM pg_publication_tables
                WHERE schemaname = c.relnamespace::regnamespace::name AND tablename = c.relname)
            AND NOT EXISTS (SELECT FROM pg_seclabel WHERE objoid = c.oid AND classoid = 'pg_class'::regclass)
            AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantor <> c.relowner)
            AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND (a.attacl IS NOT NULL OR a.attoptions IS NOT NULL OR a.attidentity <> ''
                    OR coalesce(a.attstattarget, -1) <> -1))
            AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid
                AND (k.contype NOT IN ('c', 'p', 'u', 'n') OR k.condeferrable OR NOT k.convalidated
                    OR EXISTS (SELECT FROM pg_description WHERE objoid = k.oid AND classoid = 'pg_constraint'::regclass)))
            AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid
                AND (NOT i.indisvalid OR i.indisclustered OR i.indisreplident OR x.reltablespace <> 0
                    OR EXISTS (SELECT FROM pg_description WHERE objoid = x.oid AND classoid = 'pg_class'::regclass)
                    OR EXISTS (SELECT FROM pg_depend WHERE refobjid = x.oid AND refclassid = 'pg_class'::regclass)))
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                AND d.deptype IN ('e', 'x'))
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype
                AND d.objid <> (SELECT typarray FROM pg_type WHERE oid = c.reltype))
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND NOT (
                d.classid = 'pg_type'::regclass AND d.objid = c.reltype
                OR d.classid = 'pg_class'::regclass AND (d.objid = c.reltoastrelid
                    OR d.objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = c.oid))
                OR d.classid = 'pg_constraint'::regclass
                    AND d.objid IN (SELECT oid FROM pg_constraint WHERE conrelid = c.oid)
                OR d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT oid FROM pg_attrdef WHERE adrelid = c.oid)))
        FROM pg_class c WHERE c.oid = $1::oid
        """

    /// An index of the old table.
    private struct Index {
        var name: String
        var isUnique: Bool
        /// `p` for a primary key, `u` for a unique constraint.
        var constraint: String?
        /// What stands behind the table's name in its definition.
        var rest: String
    }

    /// The table's indexes; nil when one has a definition that is not understood.
    private func indexes(_ oid: String) async throws(SluiceError) -> [Index]? {
        let rows = try await connection.query(
            """
            SELECT x.relname, i.indisunique, k.contype, pg_get_indexdef(i.indexrelid),
                'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || quote_ident(x.relname)
                    || ' ON ',
                quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(c.relname)
            FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u')
            WHERE i.indrelid = $1::oid ORDER BY i.indexrelid
            """, [oid]
        ).rows
        var indexes: [Index] = []
        for row in rows {
            guard let name = row[0], let definition = row[3], let start = row[4], let full = row[5], let bare = row[6]
            else { return nil }
            let heads = ["\(start)\(full) USING ", "\(start)\(bare) USING "]
            guard let head = heads.first(where: { definition.utf8.starts(with: $0.utf8) }) else { return nil }
            let rest = String(decoding: definition.utf8.dropFirst(head.utf8.count), as: UTF8.self)
            indexes.append(Index(name: name, isUnique: row[1] == "t", constraint: row[2], rest: "USING \(rest)"))
        }
        return indexes
    }

    // MARK: The new table

    /// Makes the new table in the planned shape.
    ///
    /// - returns: Whether it lacks the lineage columns, which then come with the rows and cost nothing.
    func makeBeside(_ changes: [TableChange]) async throws(SluiceError) -> Bool {
        try await connection.execute(
            """
            CREATE TABLE \(besideSQL)
            (LIKE \(table.sql) INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY EXCLUDING STATISTICS)
            """)
        // Lineage columns that were made by us and stand at the end can go, and come again with the rows.
        let columns = (table.columns ?? []).map(\.column)
        let ours = columns.suffix(3)
        let isOurs =
            ours.map(\.name) == Lineage.columns && ours.map(\.type) == Lineage.fields.map(\.type)
            && ours.allSatisfy(\.isNullable) && ours.map(\.hasDefault) == [false, true, false]
            && ours.map(\.sqlType) == ["text", "timestamp with time zone", "text"]
        var isUsed = false
        if isOurs {
            isUsed =
                try await connection.query(
                    """
                    SELECT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = $1::regclass
                        AND a.attname = ANY($2::name[]) AND (col_description(a.attrelid, a.attnum) IS NOT NULL
                        OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey))))
                    """, [besideSQL, "{\(Lineage.columns.joined(separator: ","))}"]
                ).single == "t"
        }
        let drops = isOurs && !isUsed
        if drops {
            let names = try Lineage.columns.map { (name) throws(SluiceError) in "DROP COLUMN \(try dialect.quote(name))"
            }
            try await connection.execute("ALTER TABLE \(besideSQL) \(names.joined(separator: ", "))")
        }
        let lacksAll = Lineage.columns.allSatisfy { name in !columns.contains { $0.name == name } }
        let others = changes.filter {
            if case .add(let name, _) = $0, lacksAll { return !Lineage.columns.contains(name) }
            return true
        }
        try await PostgresShaper.change(besideSQL, others, on: connection)
        return drops || lacksAll
    }

    // MARK: The exchange

    /// Puts the new table in the place of the old one.
    ///
    /// - returns: False when something has been hung on the old one meanwhile, and nothing was done.
    func swap() async throws(SluiceError) -> Bool {
        guard let oid = table.oid, try await isPossible(oid), let indexes = try await indexes(oid) else { return false }
        // All that takes time comes before the lock that keeps readers waiting.
        var renames: [String] = []
        for (number, index) in indexes.enumerated() {
            let temporary = try dialect.quote("\(beside.name)_\(number)")
            try await connection.execute(
                "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(temporary) ON \(besideSQL) \(index.rest)")
            if let constraint = index.constraint {
                try await connection.execute(
                    "ALTER TABLE \(besideSQL) ADD CONSTRAINT \(temporary) "
                        + "\(constraint == "p" ? "PRIMARY KEY" : "UNIQUE") USING INDEX \(temporary)")
            }
            let full = try dialect.quote(TableName(schema: beside.schema, "\(beside.name)_\(number)"))
            renames.append("ALTER INDEX \(full) RENAME TO \(try dialect.quote(index.name))")
        }
        try await connection.execute("ANALYZE \(besideSQL)")
        try await connection.execute("LOCK TABLE \(table.sql) IN ACCESS EXCLUSIVE MODE")
        guard try await isPossible(oid), try await self.indexes(oid)?.map(\.name) == indexes.map(\.name) else {
            return false
        }
        try await copyGrants(oid)
        try await connection.execute("DROP TABLE \(table.sql)")
        try await connection.execute("ALTER TABLE \(besideSQL) RENAME TO \(try dialect.quote(table.name.name))")
        for rename in renames { try await connection.execute(rename) }
        return true
    }

    /// Gives the new table the old one's grants and comment, and takes what it got by default.
    private func copyGrants(_ oid: String) async throws(SluiceError) {
        let sql = """
            SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
            FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1::regclass
            """
        let (old, new) = (
            try await connection.query(sql, [oid]).rows, try await connection.query(sql, [besideSQL]).rows
        )
        func grantee(_ row: [String?]) throws(SluiceError) -> String {
            try row[0].map { (name) throws(SluiceError) in try dialect.quote(name) } ?? "PUBLIC"
        }
        var statements: [String] = []
        for name in Set(try new.map { (row) throws(SluiceError) in try grantee(row) }) {
            statements.append("REVOKE ALL ON TABLE \(besideSQL) FROM \(name)")
        }
        for row in old {
            let option = row[2] == "t" && row[0] != nil ? " WITH GRANT OPTION" : ""
            statements.append("GRANT \(row[1] ?? "") ON TABLE \(besideSQL) TO \(try grantee(row))\(option)")
        }
        if old.isEmpty, !new.isEmpty { statements.append("GRANT ALL ON TABLE \(besideSQL) TO CURRENT_USER") }
        let comment = try await connection.query(
            """
            SELECT format('COMMENT ON TABLE %s IS %L', $2::text, obj_description($1::oid, 'pg_class'))
            WHERE obj_description($1::oid, 'pg_class') IS NOT NULL
            """, [oid, besideSQL]
        ).single
        if let comment { statements.append(comment) }
        for statement in statements { try await connection.execute(statement) }
    }
}
