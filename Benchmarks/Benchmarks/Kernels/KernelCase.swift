import Compute

/// One op of the kernel table on one shape, ready to be timed.
struct KernelCase {
  /// Name in the kernel table.
  let op: String
  let shape: String
  /// Floating-point operations of the matrix products inside; nil where there is none.
  let flops: Double?
  /// Whether the op is another one in each precision.
  var dependsOnPrecision: Bool { flops != nil || op == "pack_weight" }
  /// Bytes read and written, each array once for each way.
  let bytes: Int
  /// Values of the main result.
  let elements: Int
  /// Allocates what the op needs; the result is one call of it.
  let prepare: (Workbench) throws -> () -> Void

  /// `moved` counts the values read and written, of four bytes each.
  init(
    _ op: String, _ shape: String, flops: Double? = nil, moved: Int, elements: Int,
    prepare: @escaping (Workbench) throws -> () -> Void
  ) {
    self.op = op
    self.shape = shape
    self.flops = flops
    bytes = 4 * moved
    self.elements = elements
    self.prepare = prepare
  }

  /// Vocabulary of the embedding, the read-out and the losses.
  static let vocabulary = 4_096
}

/// Sizes of a training step's ops at one width.
struct KernelShapes {
  /// Tokens of a micro-batch.
  let rows: Int
  let width: Int

  /// SwiGLU of 8/3 width, rounded up to 16.
  var hidden: Int { (8 * width / 3 + 15) / 16 * 16 }

  /// Heads of 32, as far as the width has them.
  var heads: HeadShape {
    let count = max(1, width / 32)
    return HeadShape(headCount: count, headDimension: width / count)
  }

  /// The three products of each linear map of the model: forward, input gradient, weight gradient.
  var products: [KernelCase] {
    let readOutRows = min(rows, max(16, (1 << 18) / KernelCase.vocabulary))
    return [
      linear(rows, width, 3 * width), linear(rows, width, width), linear(rows, width, 2 * hidden),
      linear(rows, hidden, width), linear(readOutRows, width, KernelCase.vocabulary),
    ].flatMap { $0 }
  }

  private func linear(_ rows: Int, _ inputs: Int, _ outputs: Int) -> [KernelCase] {
    let shape = "\(rows)x\(inputs)x\(outputs)"
    let (input, output, weight) = (rows * inputs, rows * outputs, inputs * outputs)
    let flops = 2 * Double(rows) * Double(inputs) * Double(outputs)
    return [
      KernelCase(
        "linear_forward", shape, flops: flops, moved: input + weight + output, elements: output
      ) { bench in
        let (out, inp) = (try bench.floats(output), try bench.floats(input))
        let matrix = try bench.packed(outputs, inputs)
        return { bench.stream.linear(out, input: inp, weight: matrix, rows: rows) }
      },
      KernelCase(
        "linear_backward_input", shape, flops: flops, moved: input + weight + output,
        elements: input
      ) { bench in
        let (gradient, dout) = (try bench.floats(input), try bench.floats(output))
        let matrix = try bench.packed(outputs, inputs)
        return {
          bench.stream.linearBackwardInput(
            gradient, outputGradient: dout, weight: matrix, rows: rows)
        }
      },
      KernelCase(
        "linear_backward_weight", shape, flops: flops, moved: input + 2 * weight + output,
        elements: weight
      ) { bench in
        let gradient = WeightMatrix(try bench.floats(weight), outputs: outputs, inputs: inputs)
        let (dout, inp) = (try bench.floats(output), try bench.floats(input))
        return {
          bench.stream.linearBackwardWeight(
            gradient, outputGradient: dout, input: inp, rows: rows)
        }
      },
      KernelCase("pack_weight", shape, moved: 2 * weight, elements: weight) { bench in
        let matrix = try bench.packed(outputs, inputs)
        return { bench.stream.pack(matrix) }
      },
    ]
  }
}
