package import LabCore

extension Work {
  /// Does what is missing of `total` queries, round by round, and stores each round in blocks.
  ///
  /// The first `done` are there already. `compute` returns nil where it was stopped on the way: then what was stored
  /// stays, and `LabError.interrupted` says how much that is.
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
