import Foundation
import LabCore
import TestSupport
import Testing

/// What is being written, what killed processes left, and what was there already.
@Suite struct TemporaryTests {
  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func whatAKilledProcessLeftGoesAndWhatOneWritesStays() throws {
    let folder = try TemporaryFolder()
    let left = try folder.write("half", to: ".kglab-0123456789abcdef.tmp")
    try folder.write("another program's", to: ".mine.12.tmp")
    let held = try Temporary(in: folder.url, isFolder: false)
    #expect(!FileManager.default.fileExists(atPath: left.path))
    let second = try Temporary(in: folder.url, isFolder: true)
    #expect(held.url != second.url)
    #expect(
      try names(folder.url)
        == [".mine.12.tmp", held.url.lastPathComponent, second.url.lastPathComponent].sorted())
    // A lock of the folder removes what the first release left too, and nothing that is held.
    let lock = try FolderLock(folder.url)
    withExtendedLifetime(lock) {}
    #expect(
      try names(folder.url)
        == [".lock", held.url.lastPathComponent, second.url.lastPathComponent].sorted())
    held.discard()
    second.discard()
    #expect(try names(folder.url) == [".lock"])
  }

  @Test func aFolderTakesThePlaceOfAnotherWhole() throws {
    let folder = try TemporaryFolder()
    let url = folder["out"]
    for text in ["first", "second"] {
      try AtomicFile.makeFolder(url) { place in
        try Data(text.utf8).write(to: place.appendingPathComponent("a-\(text)"))
      }
      #expect(try names(url) == ["a-\(text)"])
      #expect(try names(folder.url) == ["out"])
    }
    struct Failed: Error {}
    expectFailure(url.path) {
      try AtomicFile.makeFolder(url) { place in
        try Data().write(to: place.appendingPathComponent("b"))
        throw CocoaError(.fileWriteOutOfSpace)
      }
    }
    #expect(try names(url) == ["a-second"])
    #expect(try names(folder.url) == ["out"])
  }

  /// A link to a folder is replaced; what it leads to is left alone.
  @Test func linkedFoldersAreNotWrittenThrough() throws {
    let folder = try TemporaryFolder()
    let precious = folder["precious"]
    try FileManager.default.createDirectory(at: precious, withIntermediateDirectories: false)
    try Data("mine".utf8).write(to: precious.appendingPathComponent("a"))
    let link = folder["out"]
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: precious)
    try AtomicFile.makeFolder(link) { try Data().write(to: $0.appendingPathComponent("a")) }
    #expect(try String(contentsOf: precious.appendingPathComponent("a"), encoding: .utf8) == "mine")
    #expect(try Data(contentsOf: link.appendingPathComponent("a")).isEmpty)
  }

  @Test func filesThatAreReadAreNotWrittenOver() throws {
    let folder = try TemporaryFolder()
    let graph = try folder.write("graph", to: "g.sqlite")
    let files = FileManager.default
    let link = folder["link"], twin = folder["twin"]
    try files.createSymbolicLink(at: link, withDestinationURL: graph)
    try files.linkItem(at: graph, to: twin)
    for out in [graph, link, twin, folder.url, folder["x/../g.sqlite"]] {
      expectFailure(status: .usage) { try Inputs.refuse(out, writingOver: [graph]) }
    }
    try files.copyItem(at: graph, to: folder["copy"])
    for out in ["copy", "none"] { try Inputs.refuse(folder[out], writingOver: [graph]) }
  }
}
