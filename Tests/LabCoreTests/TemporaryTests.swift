import Foundation
import LabCore
import Testing

/// What is being written, what killed processes left, and what was there already.
@Suite struct TemporaryTests {
  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func whatAKilledProcessLeftGoesAndWhatOneWritesStays() throws {
    try withTemporaryFolder { folder in
      let left = folder.appendingPathComponent(".kglab-0123456789abcdef.tmp")
      try Data("half".utf8).write(to: left)
      let other = folder.appendingPathComponent(".mine.12.tmp")
      try Data("another program's".utf8).write(to: other)
      let held = try Temporary(in: folder, isFolder: false)
      #expect(!FileManager.default.fileExists(atPath: left.path))
      let second = try Temporary(in: folder, isFolder: true)
      #expect(held.url != second.url)
      #expect(
        try names(folder)
          == [".mine.12.tmp", held.url.lastPathComponent, second.url.lastPathComponent].sorted())
      // A lock of the folder removes what the first release left too, and nothing that is held.
      let lock = try FolderLock(folder)
      withExtendedLifetime(lock) {}
      #expect(
        try names(folder)
          == [".lock", held.url.lastPathComponent, second.url.lastPathComponent].sorted())
      held.discard()
      second.discard()
      #expect(try names(folder) == [".lock"])
    }
  }

  @Test func aFolderTakesThePlaceOfAnotherWhole() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out")
      for text in ["first", "second"] {
        try AtomicFile.makeFolder(url) { place in
          try Data(text.utf8).write(to: place.appendingPathComponent("a-\(text)"))
        }
        #expect(try names(url) == ["a-\(text)"])
        #expect(try names(folder) == ["out"])
      }
      struct Failed: Error {}
      let error = #expect(throws: LabError.self) {
        try AtomicFile.makeFolder(url) { place in
          try Data().write(to: place.appendingPathComponent("b"))
          throw CocoaError(.fileWriteOutOfSpace)
        }
      }
      #expect(error?.description.contains(url.path) == true)
      #expect(try names(url) == ["a-second"])
      #expect(try names(folder) == ["out"])
    }
  }

  /// A link to a folder is replaced; what it leads to is left alone.
  @Test func linkedFoldersAreNotWrittenThrough() throws {
    try withTemporaryFolder { folder in
      let precious = folder.appendingPathComponent("precious")
      try FileManager.default.createDirectory(at: precious, withIntermediateDirectories: false)
      try Data("mine".utf8).write(to: precious.appendingPathComponent("a"))
      let link = folder.appendingPathComponent("out")
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: precious)
      try AtomicFile.makeFolder(link) { try Data().write(to: $0.appendingPathComponent("a")) }
      #expect(
        try String(contentsOf: precious.appendingPathComponent("a"), encoding: .utf8) == "mine")
      #expect(try Data(contentsOf: link.appendingPathComponent("a")).isEmpty)
    }
  }

  @Test func filesThatAreReadAreNotWrittenOver() throws {
    try withTemporaryFolder { folder in
      let graph = folder.appendingPathComponent("g.sqlite")
      try Data("graph".utf8).write(to: graph)
      let files = FileManager.default
      let link = folder.appendingPathComponent("link"), twin = folder.appendingPathComponent("twin")
      try files.createSymbolicLink(at: link, withDestinationURL: graph)
      try files.linkItem(at: graph, to: twin)
      for out in [graph, link, twin, folder, folder.appendingPathComponent("x/../g.sqlite")] {
        let error = #expect(throws: LabError.self) { try Inputs.refuse(out, writingOver: [graph]) }
        #expect(error?.exitStatus == .usage)
      }
      try files.copyItem(at: graph, to: folder.appendingPathComponent("copy"))
      for out in ["copy", "none"] {
        try Inputs.refuse(folder.appendingPathComponent(out), writingOver: [graph])
      }
    }
  }
}
