import CKernels

/// Sizes of multi-head attention.
package struct HeadShape: Sendable {
  package let headCount: Int
  package let headDimension: Int

  package init(headCount: Int, headDimension: Int) {
    self.headCount = headCount
    self.headDimension = headDimension
  }

  var width: Int { headCount * headDimension }
}

/// Rotary positions: cosines and sines, shape (positions, headDimension / 2).
package struct RotaryTable: Sendable {
  package let cosines: FloatSlice
  package let sines: FloatSlice

  package init(cosines: FloatSlice, sines: FloatSlice) {
    self.cosines = cosines
    self.sines = sines
  }
}

extension KernelStream {
  /// Per-head RMS norm of q and k (where weights are given) and rotary positions.
  ///
  /// qkv (T,3*C); output (T,2*C): rotated q, then k; rstd (T,2*NH).
  package func queryKeyRotary(
    _ output: FloatSlice, rstd: FloatSlice, qkv: FloatSlice, queryWeight: FloatSlice?,
    keyWeight: FloatSlice?, rotary: RotaryTable, positions: IntSlice, epsilon: Float, rows: Int,
    heads: HeadShape
  ) {
    let width = heads.width
    unsafe ops.qk_rope_forward(
      raw, pointer(output, 2 * rows * width), pointer(rstd, 2 * rows * heads.headCount),
      pointer(qkv, 3 * rows * width), optionalPointer(queryWeight, heads.headDimension),
      optionalPointer(keyWeight, heads.headDimension),
      pointer(rotary.cosines, heads.headDimension / 2),
      pointer(rotary.sines, heads.headDimension / 2), pointer(positions, rows), epsilon, rows,
      heads.headCount, heads.headDimension)
  }

  /// The q and k parts of qkvGradient (T,3*C) from outputGradient (T,2*C); weight gradients add.
  package func queryKeyRotaryBackward(
    qkvGradient: FloatSlice, queryWeightGradient: FloatSlice?, keyWeightGradient: FloatSlice?,
    outputGradient: FloatSlice, qkv: FloatSlice, rstd: FloatSlice, queryWeight: FloatSlice?,
    keyWeight: FloatSlice?, rotary: RotaryTable, positions: IntSlice, rows: Int, heads: HeadShape
  ) {
    let width = heads.width
    let size = heads.headDimension
    unsafe ops.qk_rope_backward(
      raw, pointer(qkvGradient, 3 * rows * width), optionalPointer(queryWeightGradient, size),
      optionalPointer(keyWeightGradient, size), pointer(outputGradient, 2 * rows * width),
      pointer(qkv, 3 * rows * width), pointer(rstd, 2 * rows * heads.headCount),
      optionalPointer(queryWeight, size), optionalPointer(keyWeight, size),
      pointer(rotary.cosines, size / 2),
      pointer(rotary.sines, size / 2), pointer(positions, rows), rows, heads.headCount, size)
  }

  /// Causal attention inside each sequence: output (T,C), logSumExp (T,NH).
  ///
  /// With `ends` each sequence is a tree in depth-first order: a row sees the rows j before it with
  /// `ends[j]` behind it.
  package func attention(
    _ output: FloatSlice, logSumExp: FloatSlice, queryKey: FloatSlice, qkv: FloatSlice,
    offsets: IntSlice, ends: IntSlice? = nil, sequences: Int, rows: Int, heads: HeadShape
  ) {
    let width = heads.width
    let (output, sums) = unsafe (
      pointer(output, rows * width), pointer(logSumExp, rows * heads.headCount)
    )
    let (queryKey, qkv) = unsafe (
      pointer(queryKey, 2 * rows * width), pointer(qkv, 3 * rows * width)
    )
    let offsets = unsafe pointer(offsets, sequences + 1)
    if let ends {
      unsafe ops.attention_tree(
        raw, output, sums, queryKey, qkv, offsets, pointer(ends, rows), sequences, rows,
        heads.headCount, heads.headDimension)
    } else {
      unsafe ops.attention_forward(
        raw, output, sums, queryKey, qkv, offsets, sequences, rows, heads.headCount,
        heads.headDimension)
    }
  }

  /// queryKeyGradient (T,2*C), and the v part of qkvGradient (T,3*C).
  package func attentionBackward(
    queryKeyGradient: FloatSlice, qkvGradient: FloatSlice, outputGradient: FloatSlice,
    queryKey: FloatSlice, qkv: FloatSlice, output: FloatSlice, logSumExp: FloatSlice,
    offsets: IntSlice, sequences: Int, rows: Int, heads: HeadShape
  ) {
    let width = heads.width
    unsafe ops.attention_backward(
      raw, pointer(queryKeyGradient, 2 * rows * width), pointer(qkvGradient, 3 * rows * width),
      pointer(outputGradient, rows * width), pointer(queryKey, 2 * rows * width),
      pointer(qkv, 3 * rows * width), pointer(output, rows * width),
      pointer(logSumExp, rows * heads.headCount), pointer(offsets, sequences + 1), sequences, rows,
      heads.headCount, heads.headDimension)
  }

  /// Attention of one new token a row against the rows of the caches that its path names, its own
  /// the last.
  ///
  /// Path r is `paths[offsets[r]..<offsets[r + 1]]`, a row of the caches (`cacheRows`, C) each.
  package func attentionDecode(
    _ output: FloatSlice, keyCache: FloatSlice, valueCache: FloatSlice, queryKey: FloatSlice,
    qkv: FloatSlice, paths: IntSlice, offsets: IntSlice, rows: Int, cacheRows: Int, heads: HeadShape
  ) {
    let width = heads.width
    unsafe ops.attention_decode(
      raw, pointer(output, rows * width), pointer(keyCache, cacheRows * width),
      pointer(valueCache, cacheRows * width), pointer(queryKey, 2 * rows * width),
      pointer(qkv, 3 * rows * width), pointer(paths, 0), pointer(offsets, rows + 1), rows,
      heads.headCount, heads.headDimension)
  }
}
