package import Foundation
import Synchronization

/// How far the system's locks on files of a folder reach.
package enum LockReach: Hashable, Sendable {
  /// To every machine that sees the folder, as far as its mount says.
  case everywhere
  /// Not as far; why, in words that follow "its file system": "is nfs, mounted with nolock".
  case less(String)

  /// Chooses between the system's locks (`system`) and files that are touched (`files`), whatever
  /// was found.
  private static let variable = "KGLAB_LOCKS"
  private static let chosen = ProcessInfo.processInfo.environment[variable]
  /// By the device's number.
  private static let known = Mutex<[UInt64: LockReach]>([:])

  /// That of a folder: what its mount says, then what two locks on a new file there do; found out
  /// once for each device.
  package static func of(_ folder: URL) -> LockReach {
    switch chosen {
    case "files": return .less("is not asked: \(variable)=files")
    case "system": return .everywhere
    default: break
    }
    guard let device = Posix.identity(folder.path)?.first else { return .everywhere }
    if let reach = known.withLock({ $0[device] }) { return reach }
    let mounts = try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
    let path = folder.standardizedFileURL.resolvingSymlinksInPath().path
    let reach = mount(of: path, in: mounts ?? "").map(Self.less) ?? tried(in: folder)
    known.withLock { $0[device] = reach }
    return reach
  }

  /// Why the mount that a path is below keeps locks from other machines; nil where it does not say
  /// so.
  ///
  /// `mounts` is a text as /proc/mounts: device, place, type and options of each.
  package static func mount(of path: String, in mounts: String) -> String? {
    var best: (place: String, type: String, options: [Substring])?
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 3 else { continue }
      // Of several mounts on one place the last one counts.
      let place = String(fields[1]).replacing("\\040", with: " ")
      let isAbove = place == "/" || path == place || path.hasPrefix(place + "/")
      if isAbove, place.count >= best?.place.count ?? 0 {
        best = (place, String(fields[2]), fields[3].split(separator: ","))
      }
    }
    guard let best else { return nil }
    let kinds: [(types: Set<String>, options: Set<Substring>)] = [
      (["nfs", "nfs4"], ["nolock", "local_lock=all", "local_lock=flock"]),
      (["lustre"], ["localflock", "noflock"]), (["cifs", "smb3"], ["nobrl"]),
    ]
    for kind in kinds where kind.types.contains(best.type) {
      if let option = best.options.first(where: kind.options.contains) {
        return "is \(best.type), mounted with \(option)"
      }
    }
    if best.type == "lustre", !best.options.contains("flock") {
      return "is lustre, mounted without flock"
    }
    return best.type == "fuse.sshfs" ? "is sshfs, which has no locks between machines" : nil
  }

  /// Whether one lock keeps another out; where no file can be made, whoever writes there says so.
  private static func tried(in folder: URL) -> LockReach {
    let file = Temporary.newPlace(in: folder)
    let first = Posix.create(file.path)
    guard first >= 0 else { return .everywhere }
    let second = Posix.openOrCreate(file.path)
    // Another process that tidies up may have taken away the first before the second was opened.
    let isOne = Posix.hasName(first)
    // At once, so that a kill leaves nothing behind; what is open can be locked without a name.
    try? FileManager.default.removeItem(at: file)
    defer {
      close(first)
      close(second)
    }
    guard flock(first, LOCK_EX | LOCK_NB) == 0 else {
      return .less("takes no lock (\(Posix.message()))")
    }
    let isShared = flock(second, LOCK_EX | LOCK_NB) == 0
    return isShared && isOne ? .less("lets two processes have one lock") : .everywhere
  }
}
