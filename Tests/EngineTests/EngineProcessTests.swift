import Foundation
import LabCore
import TestSupport
import Testing

@testable import Engine

/// A made-up engine, a script of the shell, that behaves or does not; no Python is needed.
struct EngineProcessTests {
  private let folder: TemporaryFolder
  private static let hello =
    #"frame '{"kind":"hello","protocol":1,"versions":{"torch":"2.6.0"}}'"#

  init() throws { folder = try TemporaryFolder() }

  /// The options to start a script with; in it, `frame` writes a message without tensors and `take`
  /// reads one.
  private func options(_ script: String, patience: Double = 20) throws -> EngineOptions {
    let head = #"""
      #!/bin/bash
      eight() { printf "\\$(printf %03o "$1")\\000\\000\\000\\000\\000\\000\\000"; }
      frame() { eight ${#1}; printf %s "$1"; eight 0; }
      take() { local n; n=$(head -c 8 | od -An -tu8 | tr -d ' '); head -c "$n"; head -c 8 >/dev/null; }

      """#
    let file = folder["python"]
    // Not by a file that a process started meanwhile has open for writing.
    try AtomicFile.write(Data((head + script + "\n").utf8), to: file)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    var options = EngineOptions()
    options.python = file.path
    options.patience = patience
    return options
  }

  /// A script that is started ends with a failure for users with these words.
  private func expectReason(_ words: String, _ script: String, patience: Double = 20) throws {
    let options = try options(script, patience: patience)
    expectFailure(words) { try EngineProcess(options) { false } }
  }

  @Test func helloAndAnAnswerWithSignsOfLifeBetween() throws {
    let options = try options(
      """
      frame '{"kind":"alive"}'
      \(Self.hello)
      asked=$(take)
      frame '{"kind":"alive"}'
      case "$asked" in *'"kind":"add"'*) frame '{"kind":"sum","value":"inf","of":[1,2]}';; esac
      cat >/dev/null
      """)
    let engine = try EngineProcess(options) { false }
    #expect(engine.versions == ["torch": "2.6.0"])
    let answer = try engine.ask(Frame("add", ["x": 1]), for: "sum")
    #expect(answer.number("value") == .infinity)
    #expect(answer.fields["of"] == [1, 2])
    engine.end()
  }

  @Test func tensorsKeepTypeShapeAndBytes() throws {
    let tensors: [String: Frame.Tensor] = [
      "a": Frame.Tensor([1, -2, 1 << 30]),
      "b": Frame.Tensor(.single, shape: [0, 4], bytes: Data()),
      "c": Frame.Tensor(.byte, shape: [2, 1], bytes: Data([7, 255])),
    ]
    let bytes = try Frame("x", ["y": 0.1], tensors: tensors).encoded()
    let length = Int(Frame.length(bytes.prefix(8)))
    let frame = try Frame(
      header: bytes.dropFirst(8).prefix(length), body: bytes.dropFirst(16 + length))
    #expect(frame.kind == "x")
    #expect(frame.number("y") == 0.1)
    #expect(frame.tensors == tensors)
    #expect(tensors["a"]?.bytes == Data([1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0x40]))
  }

  @Test func eachFailureIsOneSentenceWithWhatToDo() throws {
    var missing = EngineOptions()
    missing.python = folder["nowhere/python"].path
    expectFailure(
      "there is no program '\(folder["nowhere/python"].path)' to run as Python; give the path"
    ) { try EngineProcess(missing) { false } }
    try expectReason(
      "the Python \(folder["python"].path) lacks the package kglab_torch, which the torch engine needs: run make setup-torch",
      "echo \"$0: No module named kglab_torch\" >&2; exit 1")
    try expectReason(
      "failed: the package torch is not there; run make setup-torch",
      #"frame '{"kind":"error","code":"missing_package","message":"the package torch is not there"}'"#
    )
    try expectReason(
      "speaks version 7 of the engine protocol, and this kglab version 1",
      #"frame '{"kind":"hello","protocol":7}'"#)
    try expectReason("something that is no message", "echo hello there, you")
    try expectReason("something that is no message", "frame 'no JSON'")
    try expectReason(
      "ended with code 3: RuntimeError: went wrong; run the command again",
      "printf 'Traceback\\n  File x\\nRuntimeError: went wrong.\\n[W] closing\\n' >&2; exit 3")
    try expectReason(
      "failed: MemoryError: none; take a smaller --micro-batch-tokens",
      "printf 'kglab_torch: out_of_memory: MemoryError: none\\nRuntimeError: gone\\n' >&2; exit 1")
    try expectReason("was killed, as systems do where memory is short", "kill -9 $$")
    try expectReason("was ended by signal 11", "kill -11 $$")
    // A start may take five times the patience.
    try expectReason("gave no sign of life for", "sleep 1000", patience: 0.1)
  }

  @Test func aHangOrAnEndUnderWayIsNamedToo() throws {
    let silent = try EngineProcess(options(Self.hello + "\nsleep 1000", patience: 0.5)) { false }
    #expect(failure { _ = try silent.receive() }.contains("gave no sign of life"))
    // What it says last is the reason, also where writing to it is what fails.
    let short = try EngineProcess(
      options(
        Self.hello
          + "\nframe '{\"kind\":\"error\",\"code\":\"out_of_memory\",\"message\":\"no room\"}'\nexit 1"
      )
    ) { false }
    let large = Frame(
      "x", tensors: ["a": Frame.Tensor(.byte, shape: [1 << 20], bytes: Data(count: 1 << 20))])
    let reason = "failed: no room; take a smaller --micro-batch-tokens"
    #expect(failure { try short.send(large) }.contains(reason))
    let other = try EngineProcess(
      options(Self.hello + "\nframe '{\"kind\":\"b\"}'\ncat >/dev/null")
    ) { false }
    #expect(
      failure { _ = try other.receive("a") }.contains("answered 'b' where 'a' was due"))
  }

  @Test func whatItStartedEndsWithIt() throws {
    let engine = try EngineProcess(
      options("sleep 1000 & echo $! > \"${0%/*}/child\"\n\(Self.hello)\nsleep 1000")
    ) { false }
    let child = try #require(
      Int32(folder.text("child").trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(kill(child, 0) == 0)
    engine.end()
    // An orphan that was killed stays known until it is reaped.
    let isGone = {
      let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
      return state?.split(separator: ")").last?.contains("Z") ?? true
    }
    while !isGone() { usleep(1_000) }
  }

  @Test func aRequestToStopEndsTheWaitForItsStart() throws {
    let options = try options("sleep 1000")
    let error = #expect(throws: LabError.self) { _ = try EngineProcess(options) { true } }
    #expect(error?.exitStatus == .interrupted)
  }
}

struct EngineOptionsTests {
  @Test func theEnvironmentSaysHowStudiesStartTheEngine() throws {
    let options = try EngineOptions(environment: [
      "KGLAB_PYTHON": "p", "KGLAB_TORCH_DEVICE": "cuda", "KGLAB_TORCH_PROCESSES": "8",
      "KGLAB_TORCH_RUN": "--nnodes 2", "KGLAB_TORCH_MICRO_BATCH_TOKENS": "4096",
      "KGLAB_TORCH_COMPILE": "1",
    ])
    #expect(options.python == "p" && options.device == "cuda" && options.compiles)
    #expect(options.microBatchTokens == 4_096)
    #expect(
      options.arguments == [
        "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "8", "-m",
        "kglab_torch",
      ])
    #expect(try EngineOptions(environment: [:]) == EngineOptions())
    #expect(EngineOptions().arguments == ["-m", "kglab_torch"])
    expectFailure("KGLAB_TORCH_PROCESSES is 'two'", status: .usage) {
      try EngineOptions(environment: ["KGLAB_TORCH_PROCESSES": "two"])
    }
  }
}
