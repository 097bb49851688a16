import Compute
import LabCore
import LanguageModel
import Testing

/// What replacing a token changes to first order, against central differences.
struct OneHotGradientTests {
  /// A token of its own stands at one place; its row of the embedding goes along that of another
  /// token.
  @Test(arguments: [true, false]) func equalsCentralDifferences(isJudge: Bool) throws {
    let shape = shapes[0]
    let (width, free) = (shape.modelDimension, Int32(shape.vocabularySize - 1))
    let plain = try LanguageModel(shape, seed: Seed(4), on: .cpu)
    var values = plain.parameters.copyOut()
    // Rows of the size that training makes of them.
    for index in 0..<(width * shape.vocabularySize) { values[index] *= 20 }
    let tokens: [Int32] = [2, 7, 3, 9, 11, 4, 8, 1]
    let readOut = (0...width).map { Float($0 % 5) * 0.3 - 0.5 }
    let (place, scratch) = (3, try Gradients(plain.layout, on: .cpu))
    func objective(_ row: [Float], _ token: Int32) throws -> (loss: Double, gradient: [Float]) {
      var changed = values
      changed.replaceSubrange((Int(free) * width)..<(Int(free) * width + width), with: row)
      let model = try LanguageModel(shape, values: changed, on: .cpu)
      let pass = try TrainingPass(model, maximumTokens: 32)
      var line = tokens
      line[place] = token
      var batch = TokenBatch()
      // Another text first, so that rows are not those of the first sequence.
      batch.append(tokens: [5, 6], targets: [-1, -1])
      batch.append(
        tokens: line.dropLast(), targets: line.indices.dropFirst().map { $0 < 5 ? -1 : line[$0] })
      let rows = [place, 1].map { $0 + 2 }
      guard isJudge else {
        let loss = pass.run(batch, into: scratch, scale: 1, zLoss: 0)
        return (loss, pass.oneHotGradients(of: rows))
      }
      let judged = [JudgedRow(row: batch.tokens.count - 1, start: batch.tokens.count - 2)]
      let (logits, _) = pass.logits(batch, rows: judged, readOut: readOut)
      pass.backward(batch, rows: judged, readOut: readOut, logitGradient: [1], into: scratch)
      return (Double(logits[0]), pass.oneHotGradients(of: rows))
    }
    func row(_ token: Int32) -> [Float] {
      Array(values[(Int(token) * width)..<(Int(token) * width + width)])
    }
    let present = row(tokens[place])
    let gradient = try objective(present, tokens[place]).gradient
    #expect(gradient.count == 2 * shape.vocabularySize)
    var largest = 0.0
    for token in 0..<free {
      let step: Float = 0.02
      func moved(_ sign: Float) throws -> Double {
        try objective(zip(present, row(token)).map { $0 + sign * step * $1 }, free).loss
      }
      let numeric = (try moved(1) - moved(-1)) / Double(2 * step)
      largest = max(largest, abs(numeric))
      #expect(
        abs(numeric - Double(gradient[Int(token)])) < 1e-3 + 1e-2 * abs(numeric), "\(token)")
    }
    #expect(largest > 0.02)
  }
}
