package import Compute
package import LabCore

extension Work {
  /// Does what is missing of `total` queries, round by round, and stores each round in blocks.
  ///
  /// The first `done` are there already. `compute` returns nil where it was stopped on the way:
  /// then what was stored stays, and `LabError.interrupted` says how much that is.
  package func inBlocks<Output>(
    of total: Int, from done: Int, round: Int, compute: (Range<Int>) throws -> [Output]?,
    store: ([Output]) throws -> Void
  ) throws {
    var next = done
    while next < total {
      let end = min(next + round, total)
      guard let outputs = try compute(next..<end) else {
        throw LabError.interrupted(
          "stopped after \(next) of \(total) queries, whose results are stored")
      }
      for start in stride(from: 0, to: outputs.count, by: SessionPool.blockSize) {
        try store(Array(outputs[start..<min(start + SessionPool.blockSize, outputs.count)]))
      }
      next = end
      report(Double(next) / Double(total), "\(next) of \(total) queries")
    }
  }
}

extension Work {
  /// Does what is missing of `total` items, a unit of `size` for each worker at a time, and stores
  /// unit by unit.
  ///
  /// The first `done` are there already. `unit` takes a worker's number and its items, and returns
  /// nil where it was stopped on the way: then what was stored stays, and `LabError.interrupted`
  /// says how much that is, `stored` being "queries, whose texts are stored".
  package func inUnits<Output: Sendable>(
    of total: Int, from done: Int, size: Int, _ stored: String, on pool: WorkerPool,
    unit: (_ worker: Int, _ items: Range<Int>) throws -> Output?, store: (Output) throws -> Void
  ) throws {
    let items = stored.prefix { $0 != " " && $0 != "," }
    var next = done
    while next < total {
      let starts = Array(stride(from: next, to: total, by: size).prefix(workers))
      let outputs = try pool.map(pieces: starts.count) { worker, piece in
        try unit(worker, starts[piece]..<min(starts[piece] + size, total))
      }
      for (start, output) in zip(starts, outputs) {
        guard let output else {
          throw LabError.interrupted("stopped after \(next) of \(total) \(stored)")
        }
        try store(output)
        next = min(start + size, total)
      }
      report(Double(next) / Double(total), "\(next) of \(total) \(items)")
    }
  }

  /// The same work as one of several parts of equal size.
  package func part(_ place: Int, of count: Int, _ prefix: String = "") -> Work {
    part(Double(place) / Double(count)...Double(place + 1) / Double(count), prefix)
  }
}
