import Corpus
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

/// Presentations counted in the tokens that a model is given.
@Suite struct ExposureTests {
  private static let templates = [
    "{subject} is well known for {object}", "of {subject} one says {object}",
    "it is {object}",
  ]

  private func schedule(
    _ graph: KnowledgeGraph, packing: Packing, loss: LossScope = .all,
    wording: Wording = .triple, batch: Int = 90
  ) throws -> BatchSchedule {
    let configuration = CorpusConfiguration(
      packing: packing, loss: loss, windowLength: 23, wording: wording)
    return try TrainingCorpus(
      graph: graph, tokenizer: TokenizerKind.word.tokenizer(for: graph, wording: wording),
      configuration: configuration
    ).schedule(tokensPerBatch: batch, seed: Seed(4))
  }

  /// The sequences that an epoch's batches say, put together from inputs and targets, in order.
  private func texts(of epoch: Epoch, packing: Packing) -> [[Int32]] {
    let batches = (0..<epoch.batchCount).map { epoch.batch($0) }
    switch packing {
    case .isolated:
      return batches.flatMap { batch in
        zip(batch.offsets, batch.offsets.dropFirst()).map { start, end in
          Array(batch.tokens[Int(start)..<Int(end)]) + [batch.targets[Int(end) - 1]]
        }
      }
    case .window:
      let line = batches.flatMap(\.tokens) + [batches.last?.targets.last ?? -1]
      var texts: [[Int32]] = [[]]
      for token in line {
        texts[texts.count - 1].append(token)
        if token == SpecialToken.end.rawValue { texts.append([]) }
      }
      return texts.dropLast()
    }
  }

  @Test(arguments: Packing.allCases)
  func everyStatementIsPresentedExactlyItsExposuresInEveryEpoch(packing: Packing) throws {
    let graph = SampleGraph.uneven(120)
    let schedule = try schedule(graph, packing: packing)
    let corpus = schedule.corpus
    var expected: [[Int32]: Int] = [:]
    for statement in graph.statements(fraction: 1) {
      expected[corpus.text.sequence(of: statement.triple)] = Int(statement.exposures)
    }
    // 120 subjects have 240 true triples, of which 20 are held out, and 24 falsehoods.
    #expect(expected.count == 244)
    #expect(expected.count == corpus.statements.count)
    #expect(corpus.statements.contains { $0.noise == .contradictory })
    for number in 0..<4 {
      let texts = texts(of: schedule.epoch(number), packing: packing)
      #expect(texts.count == expected.values.reduce(0, +))
      #expect(texts.count == corpus.presentationCount)
      let counts = Dictionary(grouping: texts, by: \.self).mapValues(\.count)
      #expect(counts == expected)
      let tokens = (0..<schedule.stepsPerEpoch)
        .reduce(0) { $0 + schedule.epoch(number).batch($1).tokens.count }
      #expect(tokens == corpus.inputTokensPerEpoch)
    }
    #expect(corpus.uniqueTokens == expected.keys.reduce(0) { $0 + $1.count })
  }

  @Test(arguments: Packing.allCases)
  func lossOnObjectsCountsEveryPresentation(packing: Packing) throws {
    let graph = SampleGraph.uneven(60)
    let schedule = try schedule(graph, packing: packing, loss: .object)
    let corpus = schedule.corpus
    let expected = corpus.statements.reduce(0) {
      $0 + Int($1.exposures) * corpus.text.completion(object: $1.triple.object).count
    }
    let epoch = schedule.epoch(2)
    #expect((0..<epoch.batchCount).reduce(0) { $0 + epoch.batch($1).lossCount } == expected)
  }

  @Test(arguments: Packing.allCases)
  func presentationsAreWhereTheTokensAre(packing: Packing) throws {
    let graph = SampleGraph.uneven(40)
    let schedule = try schedule(graph, packing: packing)
    let corpus = schedule.corpus
    let perEpoch = schedule.stepsPerEpoch
    let chosen = [0, 5, 17, corpus.statements.count - 1]
    let steps = 2 * perEpoch + perEpoch / 2
    let found = schedule.presentations(ofTriples: chosen, upTo: steps)
    for (index, presentations) in zip(chosen, found) {
      let text = corpus.text.sequence(of: corpus.statements[index].triple)
      var expected: [Int] = []
      var line: [Int32] = []
      for step in 0..<(3 * perEpoch) {
        let batch = schedule.epoch(step / perEpoch).batch(step % perEpoch)
        // A text ends in the step that predicts its end token.
        if line.isEmpty { line = [batch.tokens[0]] }
        for (token, target) in zip(batch.tokens, batch.targets) {
          if packing == .isolated, token == SpecialToken.subject.rawValue { line = [token] }
          line.append(target)
          if target == text.last, line.suffix(text.count).elementsEqual(text), step < steps {
            expected.append(step + 1)
          }
        }
        if (step + 1).isMultiple(of: perEpoch) { line = [] }
      }
      #expect(presentations.map(\.step) == expected)
      #expect(presentations.allSatisfy { $0.epoch == ($0.step - 1) / perEpoch + 1 })
      #expect(presentations.allSatisfy { $0.firstStep <= $0.step })
      for after in [0, 1, perEpoch - 1, perEpoch, perEpoch + 3, steps] {
        #expect(
          schedule.exposures(ofTriple: index, after: after) == expected.count { $0 <= after })
      }
      let exposures = Int(corpus.statements[index].exposures)
      #expect(schedule.exposures(ofTriple: index, after: 5 * perEpoch) == 5 * exposures)
    }
  }

  @Test(arguments: Packing.allCases)
  func presentationEOfAFactHasParaphraseEModuloK(packing: Packing) throws {
    let templates = Array(Self.templates.dropLast()) + ["people say {subject} has {object}"]
    let graph = SampleGraph.uneven(50, templates: templates)
    let wording = Wording(phrasing: .template, paraphrases: 3, seed: 11)
    let schedule = try schedule(graph, packing: packing, wording: wording, batch: 120)
    let corpus = schedule.corpus
    let tokenizer = corpus.text.tokenizer
    var owner: [[Int32]: Int] = [:]
    for (index, statement) in corpus.statements.enumerated() {
      let names = [statement.triple.subject, statement.triple.object].map {
        graph.entities[Int($0)].name
      }
      for template in templates {
        let sentence = template.replacing("{subject}", with: names[0])
          .replacing("{object}", with: "")
        var text: [Int32] = [2]
        tokenizer.encodeWords(sentence, into: &text)
        text += [4] + tokenizer.encode(names[1]) + [5]
        // The predicates have the same templates, so a text says only subject and object.
        owner[text] = owner[text] ?? index
      }
    }
    var history = [[[Int32]]](repeating: [], count: corpus.statements.count)
    for number in 0..<5 {
      for text in texts(of: schedule.epoch(number), packing: packing) {
        history[try #require(owner[text])].append(text)
      }
    }
    for (statement, texts) in zip(corpus.statements, history) {
      #expect(texts.count == 5 * Int(statement.exposures))
      #expect(Set(texts).count == min(3, texts.count))
      #expect(texts.first == corpus.text.sequence(of: statement.triple))
      for (e, text) in texts.enumerated() { #expect(text == texts[e % 3]) }
    }
    let epochs = (0..<5).map { number in
      (0..<schedule.stepsPerEpoch).map { schedule.epoch(number).batch($0).tokens.count }
    }
    #expect(epochs.joined().allSatisfy { $0 > 0 })
    let cycle = epochs.prefix(3).joined().reduce(0, +)
    #expect(corpus.inputTokensPerEpoch == (cycle + 2) / 3)
  }

  @Test func exposuresOfOneGiveTheOrderTheyAlwaysGave() throws {
    let schedule = try schedule(SampleGraph.large(4), packing: .isolated, batch: 1_000)
    // Made by a second implementation of the stream and the shuffle, in Python.
    #expect(schedule.epoch(0).triples(inBatch: 0) == [7, 4, 6, 0, 2, 3, 1, 5])
    #expect(schedule.epoch(7).triples(inBatch: 0) == [1, 3, 6, 7, 5, 0, 2, 4])
  }

  @Test func aTripleWithManyExposuresIsSpreadOverTheEpoch() throws {
    let graph = SmallGraph.make(
      [SmallGraph.Row("often", "p", "o", exposures: 50)]
        + (0..<50).map { SmallGraph.Row("s\($0)", "p", "o") })
    let schedule = try schedule(graph, packing: .isolated, batch: 50)
    let often = try #require(
      schedule.corpus.index(of: Triple(subject: 0, predicate: 0, object: 1)))
    let steps = schedule.epoch(0).steps(ofTriple: often)
    #expect(steps.count == 50)
    #expect(schedule.stepsPerEpoch == 12)
    #expect(Set(steps.map(\.lowerBound)).count > 7)
  }
}
