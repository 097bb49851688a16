import Foundation
import TestSupport
import Testing

/// Holds the sources to docs/architecture.md.
@Suite struct ArchitectureTests {
  /// A row of the table of targets.
  private struct Target {
    let level: Int
    let name: String
    let own: [String]
    let outside: [String]
  }

  /// Modules of the toolchain and the system.
  private static let anywhere: Set = [
    "Foundation", "Dispatch", "Synchronization", "Glibc", "Musl", "Darwin", "Swift",
  ]

  private let files = SourceTree.swiftFiles

  private func targets() throws -> [Target] {
    func names(_ cell: String) -> [String] {
      cell.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    return try Repository.text("docs/architecture.md").components(separatedBy: "\n").compactMap {
      line in
      let cells = line.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 7, let level = Int(cells[1]) else { return nil }
      return Target(
        level: level, name: cells[2].trimmingCharacters(in: ["`"]), own: names(cells[4]),
        outside: names(cells[5]))
    }
  }

  /// The module that a line of code imports.
  private func imported(_ words: [String]) -> String? {
    guard let place = words.firstIndex(of: "import"),
      words[..<place].allSatisfy({ $0 != "." && $0 != "=" && $0 != "func" })
    else { return nil }
    let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    return words[(place + 1)...].first { !kinds.contains($0) }
  }

  @Test func theTableListsEveryTargetOnce() throws {
    let folders = try SourceTree.folders.flatMap {
      try FileManager.default.contentsOfDirectory(
        atPath: Repository.file($0).path)
    }
    #expect(try targets().map(\.name).sorted() == folders.filter { !$0.hasPrefix(".") }.sorted())
  }

  @Test func targetsImportLowerLevelsOnly() throws {
    let targets = try targets()
    let levels = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0.level) })
    let swift = Set(files.map(\.target))
    #expect(swift.count > 10)
    for target in targets where swift.contains(target.name) {
      for other in target.own {
        let level = try #require(levels[other], "\(target.name) may import \(other): what is it?")
        #expect(level < target.level, "\(target.name) may not import \(other), of level \(level)")
      }
    }
  }

  @Test func importsAreThoseOfTheTable() throws {
    let rows = Dictionary(uniqueKeysWithValues: try targets().map { ($0.name, $0) })
    var count = 0
    for file in files {
      let row = try #require(rows[file.target], "\(file.path) is in no target of the table")
      let allowed = Self.anywhere.union(row.own).union(row.outside)
      for (index, words) in file.code.enumerated() {
        guard let module = imported(words) else { continue }
        count += 1
        #expect(
          allowed.contains(module),
          "\(file.path):\(index + 1) imports \(module); docs/architecture.md does not list it")
      }
    }
    #expect(count > 20)
  }

  /// What Package.swift declares for a target, by the names of modules.
  private func declared(_ target: String, in package: String) throws -> Set<String> {
    let pattern = try Regex(
      "(?:library|\\.target|\\.executableTarget)\\(\\s*(?:name: )?\"\(target)\",\\s*(?:dependencies: )?\\[([^\\]]*)\\]"
    )
    let match = try #require(
      try pattern.firstMatch(in: package), "\(target) is not in Package.swift")
    let products = [
      "grdb": "GRDB", "yams": "Yams", "numerics": "Numerics", "argumentParser": "ArgumentParser",
    ]
    return Set(
      (match[1].substring ?? "").split(separator: ",")
        .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \"\n")) }
        .filter { !$0.isEmpty }.map { products[$0] ?? $0 })
  }

  @Test func packageDeclaresWhatTheTableLists() throws {
    let package = try Repository.text("Package.swift")
    for target in try targets() where target.level > 0 {
      // GRDBSQLite is a module of GRDB's product.
      let listed = Set(target.own + target.outside).subtracting(["GRDBSQLite"])
      #expect(try declared(target.name, in: package) == listed, "\(target.name)")
    }
  }

  @Test(
    arguments: [
      ("import Foundation", "Foundation"), ("package import LabCore // why", "LabCore"),
      ("@preconcurrency import GRDB", "GRDB"), ("  import CKernels", "CKernels"),
      ("@_spi(X) public import struct Foundation.URL", "Foundation"),
      ("let important = 1", nil), ("// import GRDB", nil), (#"let x = "import GRDB""#, nil),
      ("GraphStore.import(url)", nil), ("static func `import`(_ url: URL)", nil),
    ] as [(String, String?)])
  func importsAreFoundHoweverTheyAreWritten(line: String, module: String?) {
    #expect(imported(SourceTree.File(path: "Sources/X/Y.swift", text: line).code[0]) == module)
  }

  @Test func unsafeCodeIsWhereItMayBe() {
    var places: Set<String> = []
    for file in files {
      let isAllowed =
        file.target == "Compute"
        || [
          "Sources/LabCore/Posix.swift", "Sources/LabCore/Posix+Processes.swift",
          "Sources/LabCore/SHA256.swift",
        ].contains(file.path)
        || (file.target == "KnowledgeGraph" && file.name == "BulkInsert.swift")
      for (index, words) in file.code.enumerated()
      where words.contains(where: {
        ["unsafe", "@unsafe", "@unchecked"].contains($0) || $0.hasPrefix("Unsafe")
      }) {
        places.insert(file.path)
        #expect(isAllowed, "\(file.path):\(index + 1) is unsafe code outside its places")
      }
    }
    // The search finds what is known to be there.
    #expect(places.contains("Sources/LabCore/Posix.swift"))
  }

  /// Durations from a clock that somebody sets turn negative or absurd; `Stopwatch` has another.
  @Test func nothingIsTimedByTheDate() {
    let clocks: Set = [
      "Date", "NSDate", "CFAbsoluteTimeGetCurrent", "DispatchWallTime", "gettimeofday", "time_t",
      "CLOCK_REALTIME", "UTCClock",
    ]
    for file in files {
      for (index, words) in file.code.enumerated() {
        #expect(
          clocks.isDisjoint(with: words),
          "\(file.path):\(index + 1) reads the date: take a Stopwatch for a duration")
      }
    }
  }

  @Test func nothingIsPublic() {
    for file in files {
      for (index, words) in file.code.enumerated() {
        #expect(
          !words.contains("public") && !words.starts(with: ["open", "class"]),
          "\(file.path):\(index + 1) is public: package is the widest access")
      }
    }
  }

  @Test func filesAreShort() {
    for file in files {
      #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines: split it")
    }
  }

  @Test func commentsAreAsNarrowAsCode() {
    for file in files {
      for (index, line) in file.lines.enumerated() where line.count > 100 {
        #expect(
          !line.drop { $0 == " " }.hasPrefix("//"),
          "\(file.path):\(index + 1) is a comment of \(line.count) columns: 100 at most")
      }
    }
  }

  /// Tables, headings, code and what begins with a span of code may be wider.
  @Test func documentsAreWrapped() throws {
    let paths = try ["docs", "experiments"].flatMap { folder in
      try FileManager.default.subpathsOfDirectory(atPath: Repository.file(folder).path)
        .map { "\(folder)/\($0)" }
    }
    let documents = paths.filter { $0.hasSuffix(".md") && $0 != "docs/cli.md" } + ["README.md"]
    #expect(documents.count > 20)
    for path in documents {
      var isCode = false
      for (index, line) in try Repository.text(path).components(separatedBy: "\n").enumerated() {
        if line.hasPrefix("```") { isCode.toggle() }
        if isCode || line.count <= 120 { continue }
        #expect(
          ["|", "#", "`", "    ", "!["].contains { line.hasPrefix($0) },
          "\(path):\(index + 1) has \(line.count) columns: 120 at most")
      }
    }
  }

  @Test func packageTypesAndFunctionsAreDocumented() {
    let witnesses = DocumentedDeclaration.requirements(in: files)
    var count = 0
    for file in files {
      for declaration in DocumentedDeclaration.all(in: file) where declaration.needsComment {
        if witnesses.contains(declaration.name) { continue }
        count += 1
        #expect(
          declaration.hasComment,
          "\(file.path):\(declaration.line): \(declaration.name) has no doc comment")
      }
    }
    #expect(count > 20)
  }
}
