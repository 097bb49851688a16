import Corpus
import Evaluation
import Experiments
import Foundation
import GRDB
import KnowledgeGraph
import LabCore
import TestSupport
import Testing
import Training

struct ChoiceTests {
  private let graph = TrapGraph.graph
  private let quiet = Work(shouldStop: { false })

  private func run(rules: Double = 0.2, epochs: Int = 2) throws -> TrainedRun {
    try TrainedRun(graph, epochs: epochs) { request, _ in
      request.ruleShare = rules
      request.learningRate = 0.02
      request.training.tokensPerStep = 512
    }
  }

  private func measure(_ tasks: [Trap], questions: Int = 12) -> TrapsMeasure {
    var settings = TrapsMeasure.Settings()
    settings.tasks = tasks
    settings.questionCount = questions
    settings.resampleCount = 50
    return TrapsMeasure(settings)
  }

  /// Scores of (0.2, 0.1) and of equal choices, by hand.
  @Test func scoresAreThoseOfThePrize() {
    let answered = AnsweredChoice(scores: [log(0.2), log(0.1)], gold: 1)
    #expect(!answered.isRight && abs(answered.loss - log(3)) < 1e-12)
    #expect(abs(answered.mass - 0.3) < 1e-12)
    #expect(abs(answered.brier - 8.0 / 9) < 1e-12 && abs(answered.confidence - 2.0 / 3) < 1e-12)
    let even = AnsweredChoice(scores: [-700, -700], gold: 0)
    #expect(even.isRight && abs(even.loss - log(2)) < 1e-12 && even.mass < 1e-300)
    let none = AnsweredChoice(scores: [-.infinity, -.infinity], gold: 1)
    #expect(!none.isRight && abs(none.loss - log(2)) < 1e-12 && none.mass == 0)
  }

  /// What is stored is what is said; another call reads it back, and one that was stopped goes on.
  @Test func resultsAreStoredAndGoOn() throws {
    let trained = try run()
    let subject = MeasuredRun(folder: trained.folder, record: trained.run.record) { trained.graph }
    let traps = measure(Trap.allCases, questions: 20)
    #expect(try traps.storedKey(of: subject) == nil)
    #expect(throws: LabError.self) {
      try traps.summary(of: trained.run, graph: graph, Work(shouldStop: stopping(after: 9)))
    }
    let begun = try RunDatabase.read(in: trained.folder)?.read { rows in
      try Int.fetchOne(rows, sql: "SELECT count(*) FROM choice_question")
    }
    let summary = try traps.summary(of: trained.run, graph: graph, quiet)
    #expect(try traps.storedKey(of: subject) == summary.key)
    let part = try #require(begun)
    #expect(part > 0 && part < summary.questionCount)
    #expect(try traps.summary(of: trained.run, graph: graph, quiet) == summary)

    let database = try #require(try RunDatabase.read(in: trained.folder))
    let rows = try database.read { rows in
      try Row.fetchAll(
        rows,
        sql: """
          SELECT q.task, q.variant, q.number, q.gold = (
            SELECT choice FROM choice_probability p
            WHERE p.scoring_key = q.scoring_key AND p.question = q.number
            ORDER BY log_probability DESC, choice LIMIT 1) AS is_right,
            (SELECT sum(exp(log_probability)) FROM choice_probability p
             WHERE p.scoring_key = q.scoring_key AND p.question = q.number) AS mass
          FROM choice_question q
          """)
    }
    #expect(rows.count == summary.questionCount)
    for row in summary.results where row.groupKind == "all" {
      let own = rows.filter { $0["task"] == row.task && $0["variant"] == row.variant }
      let right = own.reduce(0.0) { $0 + ($1["is_right"] as Double) } / Double(own.count)
      let mass = own.reduce(0.0) { $0 + ($1["mass"] as Double) } / Double(own.count)
      #expect(own.count == row.questionCount && abs(right - row.accuracy) < 1e-12)
      #expect(abs(mass - row.mass) < 1e-9)
      #expect(row.chance == 0.5)
      let groups = summary.results.filter {
        $0.task == row.task && $0.variant == row.variant && $0.groupKind == "exposure"
      }
      #expect(groups.isEmpty || groups.reduce(0) { $0 + $1.questionCount } == row.questionCount)
    }
  }

  /// Which choice stands first changes no number but the order of equals.
  @Test func swappedChoicesChangeNothing() throws {
    let trained = try run()
    let traps = measure([.neqa, .memoTrap])
    let questions = try traps.questions(of: trained.run, graph: graph)
    let swapped = questions.map { question in
      var question = question
      question.choices.reverse()
      question.gold = 1 - question.gold
      return question
    }
    let both = try [questions, swapped].map {
      try traps.summary(of: trained.run, asking: $0, quiet).results
    }
    #expect(both[0].map(\.accuracy) == both[1].map(\.accuracy))
    for (a, b) in zip(both[0], both[1]) {
      #expect(abs(a.loss - b.loss) < 1e-12 && abs(a.mass - b.mass) < 1e-12)
      #expect(abs((a.lossLower ?? 0) - (b.lossLower ?? 0)) < 1e-9)
    }
  }

  /// The plain questions of a graph, asked as choices, are graded as an evaluation grades its
  /// candidates.
  @Test func plainQuestionsAreTheEvaluationsCandidates() throws {
    let trained = try run(rules: 0, epochs: 6)
    var options = EvaluationOptions()
    options.candidates = 3
    options.samples = 1
    options.resampleCount = 10
    let evaluated = try trained.run.evaluate(options, graph: graph, work: quiet)
    let grade = try #require(
      evaluated.grades?.first { $0.groupKind == "all" && $0.visibility == .seen })
    let questions = try FactQuestions.questions(
      graph, text: TripleText(graph: graph, tokenizer: trained.run.tokenizer), fraction: 1,
      candidates: 3, count: 10_000, seed: Seed(0))
    let result = try #require(
      try measure([]).summary(of: trained.run, asking: questions, quiet).results.first)
    #expect(result.questionCount == grade.answerCount && result.chance == 0.25)
    #expect(abs(result.accuracy - grade.accuracy) < 1e-12)

    // And each right answer has the probability that the evaluation stored of it.
    let database = try #require(try RunDatabase.read(in: trained.folder))
    let differences = try database.read { rows in
      try Double.fetchAll(
        rows,
        sql: """
          SELECT abs(c.log_probability - r.log_probability) FROM choice_question q
          JOIN choice_probability c ON c.scoring_key = q.scoring_key AND c.question = q.number
            AND c.choice = q.gold
          JOIN query ON query.subject = q.subject
            AND q.prompt = '<S> ' || query.subject || ' <P> ' || query.predicate || ' <O>'
          JOIN candidate_result r ON r.query_id = query.id
          """)
    }
    #expect(differences.count == questions.count && (differences.max() ?? 1) < 1e-5)
  }

  @Test func aRunWithoutRulesIsRefused() throws {
    let trained = try run(rules: 0, epochs: 1)
    expectFailure("--rule-share") {
      try measure([.neqa]).summary(of: trained.run, graph: graph, quiet)
    }
    let maker = TrapMaker(graph: graph, kind: .word, side: .tested, seed: Seed(0))
    let questions = maker.pairs(.neqa, count: 1).map(\.trap)
    expectFailure("does not know") {
      try measure([]).summary(of: trained.run, asking: questions, quiet)
    }
  }

  /// Lines of a file, with what is wrong and where.
  @Test func filesOfQuestions() throws {
    let trained = try run(epochs: 1)
    let place = try TemporaryFolder()
    func read(_ lines: String...) throws -> [ChoiceQuestion] {
      try QuestionFile.read(
        place.write(lines.joined(separator: "\n"), to: "asked.jsonl"), for: trained.run)
    }
    let good =
      #"{"prompt": "<S> Ada1 Lund1 <P> born in <O>", "choices": [" New Port1 <E>", " Field2 <E>"], "gold": 1}"#
    let prize =
      #"{"prompt": "<S> Ada1 Lund1 <P> born in <O>", "classes": [" New Port1 <E>", " Land1 <E>"], "answer_index": 0, "task": "t", "exposures": 3}"#
    let questions = try read(good, "", prize)
    #expect(questions.map(\.task) == ["asked", "t"] && questions.map(\.gold) == [1, 0])
    #expect(questions.map(\.subject) == ["line 1", "line 3"] && questions[1].exposures == 3)
    let summary = try measure([]).summary(of: trained.run, asking: questions, quiet)
    #expect(summary.questionCount == 2 && Set(summary.results.map(\.task)) == ["asked", "t"])
    func changed(_ old: String, _ new: String) -> String {
      good.replacingOccurrences(of: old, with: new)
    }
    let faults = [
      (changed(#""gold": 1"#, #""gold": 2"#), "there are 2 choices"),
      (changed(#""gold": 1"#, #""gold": 0.5"#), "whole number"),
      (changed(#", "gold": 1"#, ""), "no 'gold'"), (changed("prompt", "text"), "no 'prompt'"),
      (changed("Field2", "New Port1"), "two different choices"),
      (changed("Ada1", "Nobody"), "does not know"), ("[1]", "no JSON object"),
      (changed("<S> Ada1", String(repeating: "Ada1 ", count: 500)), "the model's context"),
      (changed(#"" Field2 <E>""#, "7"), "no text"),
    ]
    for (line, words) in faults {
      expectFailure("asked.jsonl, line 2: ") { try read(good, line) }
      expectFailure(words) { try read(good, line) }
    }
    expectFailure("has no questions") { try read("") }
    expectFailure("cannot read") {
      try QuestionFile.read(place["none.jsonl"], for: trained.run)
    }
  }

  /// What both harnesses are given.
  @Test func exportedTasks() throws {
    let place = try TemporaryFolder()
    let question = ChoiceQuestion(
      task: "neqa", variant: "trap", prompt: "<Q> x <ANS>", choices: [" <A> <E>", " <B> <E>"],
      gold: 1, subject: "x")
    let written = try TaskExport.write([question], to: place["out"])
    #expect(written.map(\.name) == ["kglab_neqa_trap"] && written.map(\.questionCount) == [1])
    #expect(
      try place.text("out/kglab_neqa_trap.jsonl")
        == #"{"choices":[" <A> <E>"," <B> <E>"],"gold":1,"prompt":"<Q> x <ANS>","subject":"x","task":"neqa","variant":"trap"}"#
        + "\n")
    let task = try place.object("out/kglab_neqa_trap.json")
    #expect(task["append_choices_to_input"] as? Bool == false)
    let example = try #require((task["examples"] as? [[String: Any]])?.first)
    #expect(example["target_scores"] as? [String: Int] == [" <A> <E>": 0, " <B> <E>": 1])
    let yaml = try place.text("out/kglab_neqa_trap.yaml")
    #expect(yaml.contains("target_delimiter: \"\"") && yaml.contains("kglab_neqa_trap.jsonl\""))
  }
}
