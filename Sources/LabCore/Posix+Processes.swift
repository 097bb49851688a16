import Foundation

/// System calls for a process beside this one, its pipes and its end.
extension Posix {
  /// A pipe whose ends no other program inherits.
  ///
  /// Throws the system's error.
  static func pipe() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    guard unsafe Foundation.pipe(&ends) == 0 else { throw failure() }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// From now on reading and writing do not wait.
  static func doNotWait(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  /// Starts a program with open files 0, 1, ..., in a process group of its own, which a terminal's
  /// signals do not reach.
  ///
  /// It ignores no signals, and blocks those given, such as SIGTERM, until it unblocks them. Throws
  /// the system's error where it cannot be started.
  static func spawn(
    _ program: String, _ arguments: [String], environment: [String: String], files: [Int32],
    blocking: [Int32] = []
  ) throws -> pid_t {
    // Not all libraries open their files so that programs do not inherit them.
    let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    for descriptor in (open ?? []).compactMap({ Int32($0) }) where descriptor > 2 {
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for (place, file) in files.enumerated() {
      unsafe posix_spawn_file_actions_adddup2(&actions, file, Int32(place))
    }
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    for number in blocking { unsafe sigaddset(&blocked, number) }
    unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    var usual = sigset_t()
    unsafe sigfillset(&usual)
    unsafe posix_spawnattr_setsigdefault(&attributes, &usual)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    let words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    let settings = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    defer { unsafe (words + settings).forEach { unsafe free($0) } }
    var id: pid_t = 0
    var code = unsafe posix_spawn(&id, program, &actions, &attributes, words, settings)
    // A program that was just written counts as busy while another thread starts a process, which
    // has the file open until then.
    for _ in 0..<200 where code == ETXTBSY {
      usleep(5_000)
      code = unsafe posix_spawn(&id, program, &actions, &attributes, words, settings)
    }
    guard code == 0 else { throw failure(code) }
    return id
  }

  /// Waits at most so many milliseconds until a pipe can be read, or written; true where it can, or
  /// its other end is closed.
  static func wait(_ descriptor: Int32, toWrite: Bool, milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(toWrite ? POLLOUT : POLLIN), revents: 0)
    return unsafe poll(&entry, 1, milliseconds) > 0
  }

  /// What a pipe has, at most `count` bytes; empty at its end, nil where there is nothing yet.
  ///
  /// Throws the system's error.
  static func read(_ descriptor: Int32, atMost count: Int) throws -> Data? {
    var bytes = Data(count: count)
    let found = unsafe bytes.withUnsafeMutableBytes {
      unsafe Foundation.read(descriptor, $0.baseAddress, $0.count)
    }
    guard found >= 0 else {
      if errno == EAGAIN || errno == EINTR { return nil }
      throw failure()
    }
    return bytes.prefix(found)
  }

  /// Writes the start of some bytes into a pipe; returns how many it took.
  ///
  /// Throws the system's error, EPIPE where nobody reads.
  static func write(_ descriptor: Int32, _ bytes: Data) throws -> Int {
    let taken = unsafe bytes.withUnsafeBytes {
      unsafe Foundation.write(descriptor, $0.baseAddress, $0.count)
    }
    guard taken >= 0 else {
      if errno == EAGAIN || errno == EINTR { return 0 }
      throw failure()
    }
    return taken
  }

  /// How a process of this one ended, which it is then rid of; nil while it runs.
  static func end(of id: pid_t) -> ChildProcess.End? {
    var status: Int32 = 0
    guard unsafe waitpid(id, &status, WNOHANG) == id else { return nil }
    return status & 0x7f == 0 ? .code(status >> 8 & 0xff) : .signal(status & 0x7f)
  }
}
