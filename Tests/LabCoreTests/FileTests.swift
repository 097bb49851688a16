import Foundation
import LabCore
import TestSupport
import Testing

@Suite struct FileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func aFileIsReplacedWholeAndNothingElseStays() throws {
    let url = folder["values.json"]
    try AtomicFile.write(Data("first, and longer".utf8), to: url)
    try AtomicFile.write(Data("second".utf8), to: url)
    #expect(try String(contentsOf: url, encoding: .utf8) == "second")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["values.json"])
  }

  @Test func aFolderThatCannotBeWrittenIsNamedAndLeftAlone() throws {
    try folder.write("a file", to: "plain")
    for place in ["plain/x.json", "absent/x.json"] {
      let url = folder[place]
      expectFailure(
        "cannot write \(url.path) (3 bytes): ", "the folder does not exist; check", status: .failure
      ) { try AtomicFile.write(Data([1, 2, 3]), to: url) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["plain"])
  }

  @Test func whetherALockIsHeldIsSeenWithoutTakingIt() throws {
    #expect(!FolderLock.isHeld(folder.url))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    let lock = try FolderLock(folder.url)
    withExtendedLifetime(lock) { #expect(FolderLock.isHeld(folder.url)) }
  }

  @Test func aFileOverAFolderIsRefusedAndLeavesNoTemporaryFile() throws {
    let url = folder["taken"]
    try FileManager.default.createDirectory(
      at: url.appendingPathComponent("inside"), withIntermediateDirectories: true)
    expectFailure(url.path) { try AtomicFile.write(Data([1]), to: url) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["taken"])
  }

  @Test func aLockHasOneHolder() throws {
    let run = folder["run"]
    var holder: FolderLock? = try FolderLock(run)
    #expect(holder != nil)
    let error = #expect(throws: LabError.self) { try FolderLock(run) }
    #expect(
      error?.description == "\(run.path) is being written by another process; "
        + "wait for it to end or choose another folder")
    _ = try FolderLock(folder["other"])
    holder = nil
    _ = try FolderLock(run)
  }

  @Test func aLockNeedsAFolder() throws {
    let file = folder["file"]
    try Data().write(to: file)
    expectFailure(file.path, status: .failure) { try FolderLock(file) }
  }

  @Test func hashesAreThoseOfTheStandard() throws {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    #expect(ContentHash(of: "").hex == empty)
    #expect(
      ContentHash(of: "abc").hex
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(ContentHash(of: "abc").short(4) == "ba78")
    let url = folder["large"]
    try Data(repeating: 0x61, count: 3_000_000).write(to: url)
    #expect(
      try ContentHash(ofFile: url).hex
        == "2a152c894398719c0570f83fac34ac03a0f6e8e474b995c2403aa5434f7b9dd4")
    try Data().write(to: url)
    #expect(try ContentHash(ofFile: url).hex == empty)
    let absent = folder["absent"]
    expectFailure(absent.path) { try ContentHash(ofFile: absent) }
  }
}
