import Corpus
import Experiments
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// A victim whose losses are a table, and which counts what it is asked.
private final class TableVictim: AttackVictim {
  let parameterCount = 1_000
  let unreadCount = 1
  let loss: ([Int32]) -> Double
  let isWrong: ([Int32]) -> Bool
  let vocabulary: Int
  private(set) var flops = 0.0

  init(
    vocabulary: Int, loss: @escaping ([Int32]) -> Double, isWrong: @escaping ([Int32]) -> Bool
  ) {
    self.vocabulary = vocabulary
    self.loss = loss
    self.isWrong = isWrong
  }

  private func count(_ texts: [AttackedText], _ passes: Double) {
    for text in texts { flops += passes * Double(parameterCount * inputCount(of: text)) }
  }

  func outcomes(of texts: [AttackedText]) -> [AttackOutcome] {
    texts.map {
      AttackOutcome(answer: "", isWrong: isWrong(Array($0.field.dropFirst())), isTarget: false)
    }
  }

  func losses(of texts: [AttackedText]) -> [Double] {
    count(texts, 2)
    return texts.map { loss(Array($0.field.dropFirst())) }
  }

  /// The true change of the loss by each replacement.
  func gradients(of texts: [AttackedText]) -> [[Float]] {
    count(texts, 6)
    return texts.map { text in
      let content = Array(text.field.dropFirst())
      return content.indices.flatMap { place in
        (0..<vocabulary).map { token in
          var changed = content
          changed[place] = Int32(token)
          return Float(loss(changed) - loss(content))
        }
      }
    }
  }
}

/// A proposer whose log-probabilities are a table of the last token, and which counts what it
/// reads.
private final class TableProposer: TextProposer {
  let parameterCount = 300
  let vocabulary: Int
  private(set) var flops = 0.0

  init(vocabulary: Int) { self.vocabulary = vocabulary }

  func nextLogProbabilities(of texts: [[Int32]]) -> [[Float]] {
    texts.map { text in
      flops += 2 * Double(parameterCount * text.count)
      let weights = (0..<vocabulary).map { Double(1 + ($0 * 7 + Int(text[text.count - 1])) % 11) }
      let sum = weights.reduce(0, +)
      return weights.map { Float(log($0 / sum)) }
    }
  }
}

@Suite struct AttackSearchTests {
  private let graph = SmallGraph.people(12)

  private func tokenizer(_ kind: TokenizerKind = .word) throws -> SlottedTokenizer {
    SlottedTokenizer(try kind.tokenizer(for: graph))
  }

  private func examples(_ count: Int) -> [AttackedExample] {
    (0..<count).map {
      AttackedExample(
        query: $0, subject: Int32($0), predicate: 0, before: [2, 6, 3, 7], after: [4],
        answer: [8, 5])
    }
  }

  private func settings(_ change: (inout AttackSettings) -> Void) -> AttackSettings {
    var settings = AttackSettings()
    change(&settings)
    return settings
  }

  private func steps(
    _ kind: AttackKind, _ settings: AttackSettings, length: Int, on examples: [AttackedExample],
    _ victim: TableVictim
  ) throws -> [[AttackStep]] {
    let tokenizer = try tokenizer()
    let search = try AttackSearch(kind, settings, length: length, tokenizer: tokenizer)
    let proposer = TableProposer(vocabulary: tokenizer.vocabularySize)
    return try #require(try search.steps(on: examples, victim, proposer, unless: { false }))
  }

  /// With one token and every token a candidate, the best of all texts is found in one iteration.
  @Test(arguments: [AttackKind.gcg, .beam, .beast]) func oneIterationFindsTheBestOfAll(
    kind: AttackKind
  )
    throws
  {
    let tokenizer = try tokenizer()
    let allowed = try AttackSearch(kind, AttackSettings(), length: 1, tokenizer: tokenizer).allowed
    #expect(allowed.count == tokenizer.vocabularySize - 1 - SpecialToken.allCases.count)
    var stream = Seed(3).stream("losses")
    let losses = Dictionary(uniqueKeysWithValues: allowed.map { ($0, stream.uniform()) })
    let best = try #require(allowed.min { (losses[$0] ?? 1) < (losses[$1] ?? 1) })
    let victim = TableVictim(
      vocabulary: tokenizer.vocabularySize, loss: { losses[$0[0]] ?? 9 }, isWrong: { $0[0] == best }
    )
    let settings = settings {
      $0.iterations = 1
      $0.candidateCount = allowed.count
      $0.topK = allowed.count
      $0.beamWidth = allowed.count
      $0.beastWidth = allowed.count
      // The text to begin with may be the best.
      $0.keepsBest = true
    }
    for own in try steps(kind, settings, length: 1, on: examples(40), victim) {
      #expect(own.count == 1 && own[0].content == [best] && own[0].isSuccess)
      #expect(own[0].loss == losses[best])
    }
  }

  /// As wide as there are tokens, BEAST has the best text of one token, then of one or two, then,
  /// of the best pairs, of up to three: each found by enumeration.
  @Test func aWideBeastFindsTheBestOfEachLength() throws {
    let allowed = try AttackSearch(.beast, AttackSettings(), length: 1, tokenizer: tokenizer())
      .allowed
    func loss(_ text: [Int32]) -> Double {
      Double(text.reduce(3) { ($0 * 31 + Int($1) * 17) % 1_009 }) + 40 / Double(text.count)
    }
    let victim = TableVictim(
      vocabulary: try tokenizer().vocabularySize, loss: loss, isWrong: { _ in false })
    let width = allowed.count
    let settings = settings {
      $0.iterations = 3
      $0.beastWidth = width
    }
    var texts: [[Int32]] = [[]]
    var best: [[Int32]] = []
    for _ in 0..<3 {
      texts = texts.flatMap { text in allowed.map { text + [$0] } }
      texts.sort { (loss($0), $0.description) < (loss($1), $1.description) }
      best.append(texts[0])
      texts = Array(texts.prefix(width))
    }
    for own in try steps(.beast, settings, length: 9, on: examples(4), victim) {
      #expect(own.map(\.iteration) == [1, 2, 3])
      for (place, step) in own.enumerated() {
        let expected = best[...place].map(loss).min() ?? .nan
        #expect(step.loss == expected && loss(step.content) == expected)
        #expect(step.content.count <= place + 1)
      }
    }
  }

  /// A narrow one tries what the proposer says is likely: tokens drawn without replacement, by
  /// their probabilities.
  @Test func proposalsAreDrawnByTheirProbability() throws {
    let tokenizer = try tokenizer()
    let vocabulary = tokenizer.vocabularySize
    // The loss tells which token it was, and with one proposal that is the text.
    let victim = TableVictim(vocabulary: vocabulary, loss: { _ in 0 }, isWrong: { _ in false })
    let settings = settings {
      $0.iterations = 1
      $0.beastWidth = 1
    }
    let count = 4_000
    let found = try steps(.beast, settings, length: 1, on: examples(count), victim)
    var drawn: [Int32: Int] = [:]
    for own in found { drawn[own[0].content[0], default: 0] += 1 }
    let slot = try #require(tokenizer.slotToken)
    let next = TableProposer(vocabulary: vocabulary).nextLogProbabilities(of: [[slot]])[0]
    let allowed = try AttackSearch(.beast, settings, length: 1, tokenizer: tokenizer).allowed
    let mass = allowed.reduce(0.0) { $0 + exp(Double(next[Int($1)])) }
    for token in allowed {
      let share = exp(Double(next[Int(token)])) / mass
      let error = (share * (1 - share) / Double(count)).squareRoot()
      #expect(abs(Double(drawn[token] ?? 0) / Double(count) - share) < 4.5 * error)
    }
  }

  /// Texts of two tokens: coordinate by coordinate to the best pair where losses add up.
  @Test func gcgDescends() throws {
    let tokenizer = try tokenizer()
    let victim = TableVictim(
      vocabulary: tokenizer.vocabularySize,
      loss: { Double($0[0] * 7 % 23) + Double($0[1] * 5 % 19) }, isWrong: { _ in false })
    let settings = settings {
      $0.iterations = 3
      $0.candidateCount = 1_000
      $0.topK = 1_000
      $0.keepsBest = true
    }
    let search = try AttackSearch(.gcg, settings, length: 2, tokenizer: tokenizer)
    let best = { (factor: Int32, modulus: Int32) in
      search.allowed.map { Double($0 * factor % modulus) }.min() ?? 0
    }
    for own in try steps(.gcg, settings, length: 2, on: examples(10), victim) {
      #expect(own[2].loss == best(7, 23) + best(5, 19))
      #expect(zip(own, own.dropFirst()).allSatisfy { ($0.loss ?? 0) >= ($1.loss ?? 0) })
    }
  }

  /// As published the best text of an iteration replaces the last, though it be worse; or, as an
  /// option, never.
  @Test func theLastIterationCountsUnlessTheBestIsKept() throws {
    let tokenizer = try tokenizer()
    let victim = TableVictim(
      vocabulary: tokenizer.vocabularySize, loss: { Double($0[0] * 7 % 23) },
      isWrong: { _ in false })
    func losses(_ keepsBest: Bool) throws -> [[Double]] {
      let settings = settings {
        $0.iterations = 12
        $0.candidateCount = 3
        $0.topK = 12
        $0.keepsBest = keepsBest
      }
      return try steps(.gcg, settings, length: 1, on: examples(10), victim).map {
        $0.map { $0.loss ?? .nan }
      }
    }
    func rises(_ losses: [[Double]]) -> Bool {
      losses.contains { zip($0, $0.dropFirst()).contains { $0 < $1 } }
    }
    #expect(try rises(losses(false)) && !rises(losses(true)))
  }

  /// The curve of random tokens is 1 - mean((1 - q)^t), where q is the share of texts that succeed.
  @Test func randomTokensSucceedAsOftenAsCounted() throws {
    let tokenizer = try tokenizer()
    let count = 3_000
    let settings = settings { $0.randomIterations = 12 }
    let search = try AttackSearch(.random, settings, length: 1, tokenizer: tokenizer)
    func isWrong(_ token: Int32, _ example: Int) -> Bool { Int(token) * (example + 1) % 7 == 0 }
    // Of each example another share of the tokens succeeds.
    var found = [Int](repeating: 0, count: 12)
    var shares: [Double] = []
    for kind in 0..<4 {
      let victim = TableVictim(
        vocabulary: tokenizer.vocabularySize, loss: { _ in 0 },
        isWrong: { Int($0[0]) % 7 < kind })
      shares.append(
        Double(search.allowed.count { Int($0) % 7 < kind }) / Double(search.allowed.count))
      let own = (0..<count / 4).map { index in
        AttackedExample(
          query: index, subject: Int32(index), predicate: Int32(kind), before: [2], after: [4],
          answer: [8, 5])
      }
      for steps in try steps(.random, settings, length: 1, on: own, victim) {
        #expect(steps.dropLast().allSatisfy { !$0.isSuccess })
        #expect(steps.last?.isSuccess == true || steps.count == 12)
        if let last = steps.last, last.isSuccess {
          for later in last.iteration...12 { found[later - 1] += 1 }
        }
      }
    }
    for iteration in 1...12 {
      let expected =
        1 - shares.map { pow(1 - $0, Double(iteration)) }.reduce(0, +) / Double(shares.count)
      let error = (expected * (1 - expected) / Double(count)).squareRoot()
      #expect(abs(Double(found[iteration - 1]) / Double(count) - expected) < 4 * error)
    }
  }

  /// What the steps state is what the victim was asked for, by 2 N T a forward and 4 N T a backward
  /// pass.
  @Test func flopsAreCounted() throws {
    let tokenizer = try tokenizer()
    func counted(
      _ kind: AttackKind, _ change: (inout AttackSettings) -> Void = { _ in }
    ) throws -> (stated: Double, asked: Double, steps: [[AttackStep]]) {
      let victim = TableVictim(
        vocabulary: tokenizer.vocabularySize, loss: { Double($0[0] % 5) }, isWrong: { _ in false })
      let steps = try steps(
        kind,
        settings {
          $0.iterations = 4
          $0.randomIterations = 4
          $0.candidateCount = 8
          change(&$0)
        }, length: 3, on: examples(5), victim)
      return (steps.joined().reduce(0) { $0 + $1.flops }, victim.flops, steps)
    }
    for kind in [AttackKind.gcg, .beam] {
      let found = try counted(kind)
      #expect(found.stated == found.asked && found.asked > 0)
    }
    // BEAST: what is proposed, 2 tokens after each of up to 2 texts, and what is scored.
    let victim = TableVictim(
      vocabulary: tokenizer.vocabularySize, loss: { Double($0[0] % 5) }, isWrong: { _ in false })
    let proposer = TableProposer(vocabulary: tokenizer.vocabularySize)
    let narrow = settings {
      $0.iterations = 4
      $0.beastWidth = 2
    }
    let beast = try #require(
      try AttackSearch(.beast, narrow, length: 3, tokenizer: tokenizer).steps(
        on: examples(5), victim, proposer, unless: { false }))
    #expect(proposer.flops > 0)
    #expect(beast.joined().reduce(0) { $0 + $1.flops } == victim.flops + proposer.flops)
    // Before the slot <S>, 1, <P> and 1; the victim reads <O> and the answer but its last token
    // too.
    #expect(beast[0][0].flops == 2 * 300 * 5 + 2 * 2 * 1_000 * 8)
    #expect(beast[0][1].flops == 2 * 2 * 300 * 6 + 4 * 2 * 1_000 * 9)
    let best = try counted(.gcg) { $0.keepsBest = true }
    #expect(best.stated == best.asked)
    // T: <S> and 3 more, <X> and 3 more, <O>, the answer but its last token.
    let random = try counted(.random)
    #expect(random.steps.joined().allSatisfy { $0.flops == 2 * 1_000 * 10 })
    // Of 8 candidates a few may be the text itself.
    let gcg = try counted(.gcg) { $0.topK = 1_000 }
    #expect(gcg.steps.joined().allSatisfy { $0.flops <= (6 + 2 * 8) * 1_000 * 10 })
    #expect(gcg.steps.joined().contains { $0.flops == (6 + 2 * 8) * 1_000 * 10 })
  }

  /// A victim that does not read the slot is never wrong, whatever the attack.
  @Test(arguments: AttackKind.allCases) func whatIgnoresTheSlotHolds(kind: AttackKind) throws {
    let victim = TableVictim(
      vocabulary: try tokenizer().vocabularySize, loss: { _ in 1.5 }, isWrong: { _ in false })
    let settings = settings {
      $0.iterations = 5
      $0.randomIterations = 20
    }
    let found = try steps(kind, settings, length: 4, on: examples(6), victim)
    #expect(found.allSatisfy { $0.count == settings.iterationCount(of: kind) })
    #expect(found.joined().allSatisfy { !$0.isSuccess })
  }

  /// Texts are drawn from a stream of each example, so that those beside it change nothing.
  @Test(arguments: AttackKind.allCases) func examplesDoNotDependOnEachOther(kind: AttackKind) throws
  {
    let victim = TableVictim(
      vocabulary: try tokenizer().vocabularySize, loss: { Double($0[0] * 7 % 23) },
      isWrong: { $0[0] % 9 == 0 })
    let settings = settings {
      $0.iterations = 4
      $0.randomIterations = 9
      $0.candidateCount = 6
    }
    let all = try steps(kind, settings, length: 2, on: examples(9), victim)
    let few = try steps(kind, settings, length: 2, on: Array(examples(9)[3..<5]), victim)
    #expect(Array(all[3..<5]) == few)
    #expect(Set(all.map(\.[0].content)).count > (kind == .beast ? 2 : 5))
  }

  /// Texts of byte pairs are read again as the same tokens.
  @Test func textsSurviveTheirTokenizer() throws {
    let tokenizer = SlottedTokenizer(
      try TokenizerKind.bpe.tokenizer(for: graph, vocabularySize: 290))
    let settings = settings {
      $0.iterations = 6
      $0.candidateCount = 40
    }
    let victim = TableVictim(
      vocabulary: tokenizer.vocabularySize,
      loss: { Double($0[0] * 31 % 101) - Double($0[$0.count - 1] % 13) },
      isWrong: { _ in false })
    for kind in AttackKind.allCases {
      let search = try AttackSearch(kind, settings, length: 3, tokenizer: tokenizer)
      let proposer = TableProposer(vocabulary: tokenizer.vocabularySize)
      let steps = try #require(
        try search.steps(on: examples(5), victim, proposer, unless: { false }))
      for step in steps.joined() {
        let text = try #require(tokenizer.decode(step.content))
        #expect(tokenizer.encode(text) == step.content)
      }
    }
  }

  @Test func aTokenizerWithoutASlotIsRefused() throws {
    expectFailure("has no slot") {
      try AttackSearch(
        .gcg, AttackSettings(), length: 2, tokenizer: TokenizerKind.word.tokenizer(for: graph))
    }
  }
}
