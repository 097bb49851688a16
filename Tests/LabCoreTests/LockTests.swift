import Dispatch
import Foundation
import LabCore
import Synchronization
import TestSupport
import Testing

@Suite struct LockTests {
  @Test(arguments: [
    ("/home/a", nil), ("/scratch/x", "is lustre, mounted without flock"), ("/scratch", nil),
    ("/fast/run", nil), ("/old/a/b", "is nfs, mounted with nolock"),
    ("/new/a", "is nfs4, mounted with local_lock=flock"),
    ("/my disk/a", "is cifs, mounted with nobrl"),
    ("/oldish", nil),
  ])
  func mountsSayHowFarLocksReach(path: String, reason: String?) {
    let mounts = """
      /dev/vda / ext4 rw,relatime 0 0
      mds@tcp:/l /scratch lustre rw,flock 0 0
      mds@tcp:/l /scratch/x lustre rw,lazystatfs 0 0
      mds@tcp:/f /fast lustre rw,flock,lazystatfs 0 0
      server:/o /old nfs rw,vers=3,nolock 0 0
      server:/n /new nfs4 rw,vers=4.2,local_lock=none 0 0
      server:/n /new nfs4 rw,vers=4.2,local_lock=flock 0 0
      //server/d /my\\040disk cifs rw,nobrl 0 0
      """
    #expect(LockReach.mount(of: path, in: mounts) == reason)
  }

  @Test func hereLocksExcludeEachOther() throws {
    let folder = try TemporaryFolder()
    #expect(LockReach.of(folder.url) == .everywhere)
    #expect(try folder.names().isEmpty, "the trial leaves nothing")
  }

  @Test func aTouchedLockIsHeldByOne() throws {
    let folder = try TemporaryFolder()
    var lock = try TouchedLock(folder.url, name: ".a")
    #expect(lock != nil)
    #expect(try TouchedLock(folder.url, name: ".a") == nil)
    #expect(try TouchedLock(folder.url, name: ".b") != nil, "another name is another lock")
    #expect(TouchedLock.isHeld(folder.url, name: ".a"))
    #expect(FolderLock.isHeld(folder.url, name: ".a"))
    lock = nil
    #expect(!TouchedLock.isHeld(folder.url, name: ".a"))
    lock = try TouchedLock(folder.url, name: ".a")
    #expect(lock != nil && folder.exists(".a-2") && !folder.exists(".a-1"))
  }

  /// A holder that died here is known at once, one on another machine by its silence.
  @Test func whatTheDeadHeldIsTaken() throws {
    let folder = try TemporaryFolder()
    let lock = try #require(try TouchedLock(folder.url, name: ".a"))
    let text = try folder.text(".a-1")
    let machine = try #require(text.split(separator: " ").first)
    withExtendedLifetime(lock) {}
    try folder.write("\(machine) \(Int32.max)\n", to: ".dead-4")
    #expect(try TouchedLock(folder.url, name: ".dead") != nil)

    try folder.write("elsewhere/pid 1\n", to: ".far-1")
    #expect(try TouchedLock(folder.url, name: ".far") == nil)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -100)], ofItemAtPath: folder[".far-1"].path)
    #expect(try TouchedLock(folder.url, name: ".far") == nil)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -130)], ofItemAtPath: folder[".far-1"].path)
    #expect(try TouchedLock(folder.url, name: ".far") != nil)
  }

  /// Of many that try at once, one has it; over and over.
  @Test func ofManyOneHasIt() throws {
    let folder = try TemporaryFolder()
    for _ in 0..<20 {
      let held = Held()
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        if let lock = try? TouchedLock(folder.url, name: ".a") { held.add(lock) }
      }
      #expect(held.count == 1)
    }
  }
}

private final class Held: Sendable {
  private let locks = Mutex<[TouchedLock]>([])

  func add(_ lock: TouchedLock) { locks.withLock { $0.append(lock) } }
  var count: Int { locks.withLock { $0.count } }
}
