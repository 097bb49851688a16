import Compute

extension KernelShapes {
  /// Ops on whole rows of the residual stream and on the feed-forward block.
  var layers: [KernelCase] { embedding + norms + activations + biases + [add, gather] }

  private var shape: String { "\(rows)x\(width)" }
  private var count: Int { rows * width }

  private var embedding: [KernelCase] {
    let (rows, width, count) = (rows, width, count)
    let vocabulary = KernelCase.vocabulary
    return [
      KernelCase("embedding_forward", shape, moved: 2 * count + rows, elements: count) { bench in
        let (out, table) = (try bench.floats(count), try bench.floats(vocabulary * width))
        let ids = try bench.integers(rows, below: vocabulary)
        return {
          bench.stream.embedding(out, ids: ids, table: table, rows: rows, columns: width)
        }
      },
      KernelCase("embedding_backward", shape, moved: 3 * count + rows, elements: count) { bench in
        let (dout, gradient) = (try bench.floats(count), try bench.floats(vocabulary * width))
        let ids = try bench.integers(rows, below: vocabulary)
        return {
          bench.stream.embeddingBackward(
            gradient, ids: ids, outputGradient: dout, rows: rows, columns: width)
        }
      },
    ]
  }

  private var norms: [KernelCase] {
    let (rows, width, count) = (rows, width, count)
    return [
      KernelCase(
        "rms_norm_forward", shape, moved: 4 * count + rows + width, elements: count
      ) { bench in
        let (out, sum) = (try bench.floats(count), try bench.floats(count))
        let (input, delta) = (try bench.floats(count), try bench.floats(count))
        let (rstd, weight) = (try bench.floats(rows), try bench.floats(width))
        return {
          bench.stream.rmsNorm(
            out, sum: sum, rstd: rstd, input: input, delta: delta, weight: weight, epsilon: 1e-6,
            rows: rows, columns: width)
        }
      },
      KernelCase(
        "rms_norm_backward", shape, moved: 4 * count + rows + 3 * width, elements: count
      ) { bench in
        let (gradient, dout) = (try bench.floats(count), try bench.floats(count))
        let (sum, rstd) = (try bench.floats(count), try bench.floats(rows))
        let (weight, dweight) = (try bench.floats(width), try bench.floats(width))
        return {
          bench.stream.rmsNormBackward(
            sumGradient: gradient, weightGradient: dweight, outputGradient: dout, sum: sum,
            rstd: rstd, weight: weight, rows: rows, columns: width)
        }
      },
    ]
  }

  private var activations: [KernelCase] {
    let (rows, hidden) = (rows, hidden)
    let count = rows * hidden
    let shape = "\(rows)x\(hidden)"
    return [
      KernelCase("swiglu_forward", shape, moved: 3 * count, elements: count) { bench in
        let (out, gateUp) = (try bench.floats(count), try bench.floats(2 * count))
        return { bench.stream.swiGLU(out, gateUp: gateUp, rows: rows, columns: hidden) }
      },
      KernelCase("swiglu_backward", shape, moved: 5 * count, elements: 2 * count) { bench in
        let (dout, gateUp) = (try bench.floats(count), try bench.floats(2 * count))
        let gradient = try bench.floats(2 * count)
        return {
          bench.stream.swiGLUBackward(
            gradient, outputGradient: dout, gateUp: gateUp, rows: rows, columns: hidden)
        }
      },
      KernelCase("gelu_forward", shape, moved: 2 * count, elements: count) { bench in
        let (out, input) = (try bench.floats(count), try bench.floats(count))
        return { bench.stream.gelu(out, input: input, count: count) }
      },
      KernelCase("gelu_backward", shape, moved: 3 * count, elements: count) { bench in
        let (gradient, dout) = (try bench.floats(count), try bench.floats(count))
        let input = try bench.floats(count)
        return {
          bench.stream.geluBackward(gradient, outputGradient: dout, input: input, count: count)
        }
      },
      KernelCase("relu_forward", shape, moved: 2 * count, elements: count) { bench in
        let (out, input) = (try bench.floats(count), try bench.floats(count))
        return { bench.stream.relu(out, input: input, count: count) }
      },
      KernelCase("relu_backward", shape, moved: 3 * count, elements: count) { bench in
        let (gradient, dout) = (try bench.floats(count), try bench.floats(count))
        let input = try bench.floats(count)
        return {
          bench.stream.reluBackward(gradient, outputGradient: dout, input: input, count: count)
        }
      },
    ]
  }

  private var biases: [KernelCase] {
    let (rows, width, count) = (rows, width, count)
    return [
      KernelCase("bias_forward", shape, moved: 2 * count + width, elements: count) { bench in
        let (out, bias) = (try bench.floats(count), try bench.floats(width))
        return { bench.stream.addBias(out, bias: bias, rows: rows, outputs: width) }
      },
      KernelCase("bias_backward", shape, moved: count + 2 * width, elements: count) { bench in
        let (dout, gradient) = (try bench.floats(count), try bench.floats(width))
        return {
          bench.stream.addBiasBackward(gradient, outputGradient: dout, rows: rows, outputs: width)
        }
      },
    ]
  }

  private var add: KernelCase {
    let count = count
    return KernelCase("add", shape, moved: 3 * count, elements: count) { bench in
      let (out, a, b) = (
        try bench.floats(count), try bench.floats(count), try bench.floats(count)
      )
      return { bench.stream.add(out, a, b) }
    }
  }

  private var gather: KernelCase {
    let (rows, width, count) = (rows, width, count)
    return KernelCase("gather_rows", shape, moved: 2 * count + rows, elements: count) { bench in
      let (out, input) = (try bench.floats(count), try bench.floats(count))
      let indices = try bench.integers(rows, below: rows)
      return {
        bench.stream.gatherRows(out, input: input, rows: indices, count: rows, width: width)
      }
    }
  }
}
