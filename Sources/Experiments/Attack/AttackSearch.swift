package import Corpus
import LabCore

/// The text of one iteration of an attack on an example, and what came of it.
package struct AttackStep: Hashable, Sendable {
  /// From 1.
  package let iteration: Int
  /// What stands after `<X>`.
  package let content: [Int32]
  package let isSuccess: Bool
  /// Nil for random tokens, which look at no loss.
  package let loss: Double?
  /// Floating-point operations of the iteration.
  package let flops: Double
  package let answer: String
}

/// Searches texts for a slot that make a model wrong, as arXiv 2407.18213 does.
///
/// FLOPs are counted by the formula used there, as if every text was read whole: 2 N T of a forward
/// pass over T tokens and 4 N T of a backward pass. That a text succeeds is looked at in each
/// iteration and counted for random tokens only, which need it.
package struct AttackSearch {
  package let kind: AttackKind
  package let settings: AttackSettings
  /// k: tokens after `<X>`.
  package let length: Int
  /// Tokens that may stand in a text, ascending.
  package let allowed: [Int32]
  let tokenizer: any Tokenizer
  private let slotToken: Int32

  /// Throws `LabError` for a tokenizer without a slot, or one whose tokens cannot stand alone.
  package init(
    _ kind: AttackKind, _ settings: AttackSettings, length: Int, tokenizer: any Tokenizer
  ) throws {
    guard let slotToken = tokenizer.slotToken else {
      throw LabError(
        "the model has no slot to put texts into; train it with a share of lines that have one, such as "
          + "--slot-share 0.3")
    }
    self.kind = kind
    self.settings = settings
    self.length = length
    self.tokenizer = tokenizer
    self.slotToken = slotToken
    let tokens = Int32(SpecialToken.allCases.count)..<slotToken
    try tokenizer.learn(tokens.map { [$0] })
    allowed = tokens.filter { tokenizer.isSlotText([$0]) }
    guard !allowed.isEmpty else {
      throw LabError("the tokenizer has no token that may stand alone")
    }
  }

  /// The iterations of an attack on each of some examples, side by side; nil where `shouldStop`
  /// said so.
  ///
  /// Each example draws from a stream of its own. An attack by random tokens ends with its first
  /// success. BEAST needs a proposer.
  package func steps(
    on examples: [AttackedExample], _ victim: some AttackVictim,
    _ proposer: (any TextProposer)? = nil, unless shouldStop: () -> Bool
  ) throws -> [[AttackStep]]? {
    var streams = examples.map {
      Seed(settings.seed).stream("attack/\(kind.rawValue)/\($0.subject)/\($0.predicate)")
    }
    var steps = examples.map { _ in [AttackStep]() }
    var beams = [[Scored]](repeating: [], count: examples.count)
    var best = [Scored?](repeating: nil, count: examples.count)
    for index in examples.indices where kind != .random {
      let content = kind == .beast ? [] : try randomContent(&streams[index])
      beams[index] = [Scored(content: content, loss: nil)]
    }
    for iteration in 1...settings.iterationCount(of: kind) {
      if shouldStop() { return nil }
      let active = examples.indices.filter {
        kind != .random || steps[$0].last?.isSuccess != true
      }
      if active.isEmpty { break }
      var flops = [Double](repeating: 0, count: examples.count)
      switch kind {
      case .random:
        for index in active {
          let content = try randomContent(&streams[index])
          beams[index] = [Scored(content: content, loss: nil)]
          flops[index] = self.flops(2, examples[index], content, victim)
        }
      case .gcg, .beam:
        let proposals = try proposals(examples, beams, &streams, victim)
        try choose(proposals, examples, &beams, &flops, victim)
      case .beast:
        guard let proposer else {
          throw LabError("beast needs a model that proposes tokens; give one", .failure)
        }
        try grow(&beams, &best, &flops, examples, &streams, victim, proposer)
      }
      let texts = active.map { best[$0] ?? beams[$0][0] }
      let outcomes = try victim.outcomes(
        of: zip(active, texts).map { text(examples[$0], $1.content) })
      for ((index, text), outcome) in zip(zip(active, texts), outcomes) {
        steps[index].append(
          AttackStep(
            iteration: iteration, content: text.content,
            isSuccess: settings.isTargeted ? outcome.isTarget : outcome.isWrong,
            loss: text.loss, flops: flops[index], answer: outcome.answer))
      }
    }
    return steps
  }

  /// A text with its loss, where that was computed.
  struct Scored {
    var content: [Int32]
    var loss: Double?
  }

  /// Lowest loss first; of equals the earlier.
  static func sorted(_ texts: [Scored]) -> [Scored] {
    texts.indices.sorted {
      (texts[$0].loss ?? .infinity, $0) < (texts[$1].loss ?? .infinity, $1)
    }.map { texts[$0] }
  }

  func field(_ content: [Int32]) -> [Int32] { [slotToken] + content }

  func text(_ example: AttackedExample, _ content: [Int32]) -> AttackedText {
    AttackedText(example, field: field(content))
  }

  /// Some N T of a victim that reads a text.
  func flops(
    _ passes: Double, _ example: AttackedExample, _ content: [Int32], _ victim: some AttackVictim
  ) -> Double {
    passes * Double(victim.parameterCount) * Double(victim.inputCount(of: text(example, content)))
  }

  /// A uniform draw among texts that are read again as the same tokens.
  func randomContent(_ stream: inout RandomStream) throws -> [Int32] {
    for _ in 0..<10_000 {
      let content = (0..<length).map { _ in allowed[stream.below(allowed.count)] }
      if tokenizer.isSlotText(content) { return content }
    }
    throw LabError(
      "of 10000 random texts of \(length) tokens none is read again as the same tokens; give a shorter --length",
      .usage)
  }

  // MARK: Proposals

  /// Texts that differ from a present one in one token, for each example.
  private func proposals(
    _ examples: [AttackedExample], _ beams: [[Scored]], _ streams: inout [RandomStream],
    _ victim: some AttackVictim
  ) throws -> [[[Int32]]] {
    guard kind == .gcg else {
      return examples.indices.map { index in
        let count = beams[index].count * length * allowed.count
        return drawn(count, &streams[index]).compactMap { number in
          let (place, token) = number.quotientAndRemainder(dividingBy: allowed.count)
          return replaced(beams[index][place / length].content, place % length, allowed[token])
        }
      }
    }
    let gradients = try victim.gradients(
      of: examples.indices.map { text(examples[$0], beams[$0][0].content) })
    return examples.indices.map { index in
      let best = steepest(gradients[index])
      return drawn(length * best[0].count, &streams[index]).compactMap { number in
        let (place, rank) = number.quotientAndRemainder(dividingBy: best[0].count)
        return replaced(beams[index][0].content, place, best[place][rank])
      }
    }
  }

  /// For each place the allowed tokens of lowest gradient, lowest first.
  private func steepest(_ gradient: [Float]) -> [[Int32]] {
    let vocabulary = gradient.count / length
    return (0..<length).map { place in
      let row = place * vocabulary
      let sorted = allowed.sorted {
        (gradient[row + Int($0)], $0) < (gradient[row + Int($1)], $1)
      }
      return Array(sorted.prefix(settings.topK))
    }
  }

  /// Up to `candidateCount` different numbers below `count`, in the order in which they are drawn.
  private func drawn(_ count: Int, _ stream: inout RandomStream) -> [Int] {
    let wanted = min(settings.candidateCount, count)
    guard 2 * wanted < count else {
      var all = Array(0..<count)
      for place in 0..<wanted { all.swapAt(place, place + stream.below(count - place)) }
      return Array(all.prefix(wanted))
    }
    var seen: Set<Int> = []
    var numbers: [Int] = []
    while numbers.count < wanted {
      let number = stream.below(count)
      if seen.insert(number).inserted { numbers.append(number) }
    }
    return numbers
  }

  /// A text with another token in one place; nil where nothing changes or it would be read
  /// otherwise.
  private func replaced(_ content: [Int32], _ place: Int, _ token: Int32) -> [Int32]? {
    guard content[place] != token else { return nil }
    var content = content
    content[place] = token
    return tokenizer.isSlotText(content) ? content : nil
  }

  // MARK: Choice

  /// Keeps the proposals of lowest loss: GCG one of this iteration, or of all where best texts are
  /// kept; a beam several, of those there were as well.
  private func choose(
    _ proposals: [[[Int32]]], _ examples: [AttackedExample], _ beams: inout [[Scored]],
    _ flops: inout [Double], _ victim: some AttackVictim
  ) throws {
    let keeps = kind == .beam || settings.keepsBest
    // A text that stays is scored once.
    let asked = examples.indices.map { index -> [[Int32]] in
      let isNew = beams[index][0].loss == nil && (keeps || proposals[index].isEmpty)
      return (isNew ? [beams[index][0].content] : []) + proposals[index]
    }
    let losses = try victim.losses(
      of: examples.indices.flatMap { index in asked[index].map { text(examples[index], $0) } })
    var rest = losses[...]
    for index in examples.indices {
      let scored = zip(asked[index], rest).map { Scored(content: $0, loss: $1) }
      rest = rest.dropFirst(scored.count)
      // All texts are of one length.
      flops[index] = self.flops(
        (kind == .gcg ? 6 : 0) + 2 * Double(scored.count), examples[index],
        beams[index][0].content, victim)
      let present = keeps || scored.isEmpty ? beams[index].filter { $0.loss != nil } : []
      var seen: Set<[Int32]> = []
      let best = Self.sorted(present + scored).filter { seen.insert($0.content).inserted }
      beams[index] = Array(best.prefix(kind == .beam ? settings.beamWidth : 1))
    }
  }
}
