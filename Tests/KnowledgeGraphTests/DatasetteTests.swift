import Foundation
import GRDB
import KnowledgeGraph
import TestSupport
import Testing

/// What is said of the tables is about tables and columns that are there.
struct DatasetteTests {
  @Test func everythingDescribedExists() throws {
    let file = try TinyFile()
    let root = try jsonObject(JSONEncoder().encode(DatasetteMetadata(of: file.url)))
    let databases = try #require(root["databases"] as? [String: [String: Any]])
    let graph = try #require(databases["graph"])
    #expect(graph["title"] as? String == "tiny")
    let tables = try #require(graph["tables"] as? [String: [String: Any]])
    let queries = try #require(graph["queries"] as? [String: [String: String]])
    try DatabaseQueue(path: file.url.path).read { database in
      let names = try Set(
        String.fetchAll(
          database, sql: "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"))
      #expect(names.filter { !$0.hasPrefix("sqlite_") } == Set(tables.keys))
      for (name, table) in tables {
        let known = try Set(
          Row.fetchAll(database, sql: "SELECT name FROM pragma_table_info(?)", arguments: [name])
            .map { $0[0] as String })
        let columns = try #require(table["columns"] as? [String: String])
        #expect(known.isSuperset(of: columns.keys), "\(name)")
        #expect(known.isSuperset(of: table["facets"] as? [String] ?? []), "\(name)")
      }
      for query in queries.values {
        #expect(try !Row.fetchAll(database, sql: try #require(query["sql"])).isEmpty)
      }
    }
  }
}
