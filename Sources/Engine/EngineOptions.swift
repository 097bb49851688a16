import Foundation
import LabCore

/// How the torch engine is started; nothing here changes what is computed but for rounding.
package struct EngineOptions: Sendable, Equatable {
  /// The Python to use; nil for the environment that `make setup-torch` makes.
  package var python: String?
  /// "cpu", "cuda", "cuda:1", "mps"; nil for the first accelerator, or else the processor.
  package var device: String?
  /// Processes that share each step on this machine.
  package var processes = 1
  /// Options of `torchrun` for several machines; empty for one.
  package var torchrun: [String] = []
  /// Whether `torch.compile` makes the model's kernels.
  package var compiles = false
  /// The most tokens, padding included, that a process holds activations of at once.
  package var microBatchTokens = 16_384
  /// Threads of each process on the processor; nil for what PyTorch takes.
  package var threads: Int?
  /// Seconds without any sign of life after which the engine counts as hanging; its start may take
  /// five times as long.
  package var patience = 120.0

  package init() {}

  /// Those of variables of the environment: `KGLAB_PYTHON`, and `KGLAB_TORCH_` with `DEVICE`,
  /// `PROCESSES`, `RUN` (the options of torchrun), `MICRO_BATCH_TOKENS` and `COMPILE` (1).
  ///
  /// Throws `LabError` naming the variable whose value is none.
  package init(environment: [String: String]) throws {
    func count(_ name: String, _ usual: Int) throws -> Int {
      guard let text = environment[name] else { return usual }
      guard let value = Int(text), value >= 1 else {
        throw LabError("\(name) is '\(text)'; it must be a number from 1 on, or unset", .usage)
      }
      return value
    }
    python = environment["KGLAB_PYTHON"]
    device = environment["KGLAB_TORCH_DEVICE"]
    processes = try count("KGLAB_TORCH_PROCESSES", processes)
    torchrun = (environment["KGLAB_TORCH_RUN"] ?? "").split(separator: " ").map(String.init)
    microBatchTokens = try count("KGLAB_TORCH_MICRO_BATCH_TOKENS", microBatchTokens)
    compiles = environment["KGLAB_TORCH_COMPILE"] == "1"
  }

  /// Whether the engine computes on the processor, as far as that is known before it has started.
  package var isOnProcessor: Bool {
    device.map { $0 == "cpu" } ?? !FileManager.default.fileExists(atPath: "/dev/nvidiactl")
  }

  /// The file of the interpreter.
  ///
  /// Throws `LabError` with what to do where there is none.
  func interpreter() throws -> String {
    if let named = python {
      guard let found = Self.search(named) else {
        throw LabError(
          "there is no program '\(named)' to run as Python; give the path of one that has PyTorch by --python, or "
            + "run make setup-torch and leave --python out", .usage)
      }
      return found
    }
    for folder in Self.folders {
      let file = folder.appendingPathComponent(".venv-torch/bin/python").path
      if FileManager.default.isExecutableFile(atPath: file) { return file }
    }
    throw LabError(
      "the torch engine needs Python with PyTorch, and there is no .venv-torch here or where kglab was built: run "
        + "make setup-torch, or name a Python by --python", .failure)
  }

  /// The environment of the process: that of this one, and where the package is, if it lies beside
  /// kglab.
  func environment() -> [String: String] {
    var environment = ProcessInfo.processInfo.environment
    let place = Self.folders.dropFirst().map { $0.appendingPathComponent("engines/torch").path }
      .first { FileManager.default.fileExists(atPath: "\($0)/kglab_torch/__init__.py") }
    if let place {
      let former = environment["PYTHONPATH"].map { ":\($0)" } ?? ""
      environment["PYTHONPATH"] = place + former
    }
    environment["PYTHONUNBUFFERED"] = "1"
    if processes > 1 { environment["OMP_NUM_THREADS"] = "\(threads ?? 1)" }
    return environment
  }

  /// What the interpreter is to run.
  var arguments: [String] {
    guard processes > 1 || !torchrun.isEmpty else { return ["-m", "kglab_torch"] }
    let place = torchrun.isEmpty ? ["--standalone"] : torchrun
    return ["-m", "torch.distributed.run"] + place
      + ["--nproc-per-node", "\(processes)", "-m", "kglab_torch"]
  }

  /// The folder of work, then the folders above the program, from the nearest.
  private static var folders: [URL] {
    var folders = [URL(fileURLWithPath: FileManager.default.currentDirectoryPath)]
    guard var folder = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return folders }
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      folders.append(folder)
    }
    return folders
  }

  /// The file of a program that is named by a path, or found in PATH.
  private static func search(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let places = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
    return places.first { file in
      let target = URL(fileURLWithPath: file).resolvingSymlinksInPath()
      let values = try? target.resourceValues(forKeys: [.isRegularFileKey])
      return values?.isRegularFile ?? false && FileManager.default.isExecutableFile(atPath: file)
    }
  }
}
