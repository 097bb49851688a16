import Compute

extension KernelShapes {
  /// Rotary positions with and without norms, attention over windows, facts and trees of answers,
  /// and decoding.
  var attention: [KernelCase] {
    let lengths = [128, 8].filter { rows % $0 == 0 }
    return rotary(normed: false) + rotary(normed: true) + lengths.flatMap { attention(length: $0) }
      + lengths.map { tree(length: $0) } + [decode]
  }

  private func rotary(normed: Bool) -> [KernelCase] {
    let (rows, width, heads) = (rows, width, heads)
    let shape = "\(rows)x\(width)x\(heads.headCount)\(normed ? " normed" : "")"
    let (count, size) = (rows * width, heads.headDimension)
    let extra = normed ? 2 * rows * heads.headCount : 0
    func table(_ bench: Workbench) throws -> RotaryTable {
      RotaryTable(
        cosines: try bench.floats(rows * size / 2), sines: try bench.floats(rows * size / 2))
    }
    return [
      KernelCase(
        "qk_rope_forward", shape, moved: 4 * count + extra, elements: 2 * count
      ) { bench in
        let (out, qkv) = (try bench.floats(2 * count), try bench.floats(3 * count))
        let rstd = try bench.floats(2 * rows * heads.headCount)
        let weights = normed ? (try bench.floats(size), try bench.floats(size)) : nil
        let (table, positions) = (try table(bench), try bench.integers(rows, below: rows))
        return {
          bench.stream.queryKeyRotary(
            out, rstd: rstd, qkv: qkv, queryWeight: weights?.0, keyWeight: weights?.1,
            rotary: table, positions: positions, epsilon: 1e-6, rows: rows, heads: heads)
        }
      },
      KernelCase(
        "qk_rope_backward", shape, moved: (normed ? 6 : 4) * count + extra, elements: 2 * count
      ) { bench in
        let (gradient, dout) = (try bench.floats(3 * count), try bench.floats(2 * count))
        let (qkv, rstd) = (
          try bench.floats(3 * count), try bench.floats(2 * rows * heads.headCount)
        )
        let weights = normed ? (try bench.floats(size), try bench.floats(size)) : nil
        let gradients = normed ? (try bench.floats(size), try bench.floats(size)) : nil
        let (table, positions) = (try table(bench), try bench.integers(rows, below: rows))
        return {
          bench.stream.queryKeyRotaryBackward(
            qkvGradient: gradient, queryWeightGradient: gradients?.0,
            keyWeightGradient: gradients?.1, outputGradient: dout, qkv: qkv, rstd: rstd,
            queryWeight: weights?.0, keyWeight: weights?.1, rotary: table, positions: positions,
            rows: rows, heads: heads)
        }
      },
    ]
  }

  /// Sequences of `length` tokens; a token attends to half of them on average, and what the
  /// backward pass computes a second time is not counted.
  private func attention(length: Int) -> [KernelCase] {
    let (rows, width, heads) = (rows, width, heads)
    let sequences = rows / length
    let shape = "\(sequences)x\(length)x\(width)x\(heads.headCount)"
    let count = rows * width
    let flops = 4 * Double(count) * Double(length + 1) / 2
    let offsets = (0...sequences).map { Int32($0 * length) }
    let logSums = rows * heads.headCount
    return [
      KernelCase(
        "attention_forward", shape, flops: flops, moved: 4 * count + logSums, elements: count
      ) { bench in
        let (out, sums) = (try bench.floats(count), try bench.floats(logSums))
        let (queryKey, qkv) = (try bench.floats(2 * count), try bench.floats(3 * count))
        let bounds = try bench.integers(offsets)
        return {
          bench.stream.attention(
            out, logSumExp: sums, queryKey: queryKey, qkv: qkv, offsets: bounds,
            sequences: sequences, rows: rows, heads: heads)
        }
      },
      KernelCase(
        "attention_backward", shape, flops: 2 * flops, moved: 8 * count + logSums,
        elements: 3 * count
      ) { bench in
        let (out, sums) = (try bench.floats(count), try bench.floats(logSums))
        let (queryKey, qkv) = (try bench.floats(2 * count), try bench.floats(3 * count))
        let (dqk, dqkv) = (try bench.floats(2 * count), try bench.floats(3 * count))
        let (dout, bounds) = (try bench.floats(count), try bench.integers(offsets))
        // The backward pass reads what the forward pass wrote.
        bench.stream.attention(
          out, logSumExp: sums, queryKey: queryKey, qkv: qkv, offsets: bounds,
          sequences: sequences, rows: rows, heads: heads)
        return {
          bench.stream.attentionBackward(
            queryKeyGradient: dqk, qkvGradient: dqkv, outputGradient: dout, queryKey: queryKey,
            qkv: qkv, output: out, logSumExp: sums, offsets: bounds, sequences: sequences,
            rows: rows, heads: heads)
        }
      },
    ]
  }

  /// Trees of `length` rows: the first half is a prompt, and each of the others an answer that only
  /// it sees.
  private func tree(length: Int) -> KernelCase {
    let (rows, width, heads) = (rows, width, heads)
    let (sequences, prompt) = (rows / length, length / 2)
    let count = rows * width
    let pairs = prompt * (prompt + 1) / 2 + (length - prompt) * (prompt + 1)
    let logSums = rows * heads.headCount
    return KernelCase(
      "attention_tree", "\(sequences)x\(length)x\(width)x\(heads.headCount)",
      flops: 4 * Double(sequences * pairs * width), moved: 4 * count + logSums, elements: count
    ) { bench in
      let (out, sums) = (try bench.floats(count), try bench.floats(logSums))
      let (queryKey, qkv) = (try bench.floats(2 * count), try bench.floats(3 * count))
      let offsets = try bench.integers((0...sequences).map { Int32($0 * length) })
      let ends = try bench.integers(
        (0..<rows).map {
          Int32($0 % length < prompt ? ($0 / length + 1) * length : $0 + 1)
        })
      return {
        bench.stream.attention(
          out, logSumExp: sums, queryKey: queryKey, qkv: qkv, offsets: offsets, ends: ends,
          sequences: sequences, rows: rows, heads: heads)
      }
    }
  }

  /// One new token a row after fifteen in the cache.
  private var decode: KernelCase {
    let (rows, width, heads) = (rows, width, heads)
    let capacity = 16
    let count = rows * width
    return KernelCase(
      "attention_decode", "\(rows)x\(capacity)x\(width)x\(heads.headCount)",
      flops: 4 * Double(count * capacity), moved: (2 * capacity + 4) * count, elements: count
    ) { bench in
      let out = try bench.floats(count)
      let keys = try bench.floats(count * capacity)
      let values = try bench.floats(count * capacity)
      let (queryKey, qkv) = (try bench.floats(2 * count), try bench.floats(3 * count))
      let paths = try bench.integers((0..<Int32(rows * capacity)).map { $0 })
      let offsets = try bench.integers((0...Int32(rows)).map { $0 * Int32(capacity) })
      return {
        bench.stream.attentionDecode(
          out, keyCache: keys, valueCache: values, queryKey: queryKey, qkv: qkv, paths: paths,
          offsets: offsets, rows: rows, cacheRows: rows * capacity, heads: heads)
      }
    }
  }
}
