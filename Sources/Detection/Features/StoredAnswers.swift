import Evaluation
import KnowledgeGraph

/// The contents of answers.json: one list a column.
struct StoredAnswers: Codable {
  private var query: [Int] = []
  private var subject: [Int32] = []
  private var sample: [Int] = []
  private var tokens: [[Int32]] = []
  private var ended: [Bool] = []
  private var text: [String] = []
  private var object: [Int32?] = []
  private var canonical: [Bool] = []
  private var logProbability: [Double] = []
  private var verdict: [Verdict] = []
  private var evidence: [QueryEvidence] = []

  enum CodingKeys: String, CodingKey {
    case query, subject, sample, tokens, ended, text, object, canonical, verdict, evidence
    case logProbability = "log_probability"
  }

  init(_ answers: DrawnAnswers) {
    for judged in answers.judged {
      query.append(judged.query)
      subject.append(judged.subject)
      sample.append(judged.answer.sample)
      tokens.append(judged.answer.tokens)
      ended.append(judged.answer.ended)
      text.append(judged.answer.text)
      object.append(judged.answer.object)
      canonical.append(judged.answer.isCanonical)
      logProbability.append(judged.answer.logProbability)
      verdict.append(judged.answer.verdict)
    }
    evidence = answers.evidence
  }

  /// The answers, where they are to queries of a graph in tokens below a vocabulary's size; nil for
  /// damaged ones.
  func answers(of graph: KnowledgeGraph, vocabularySize: Int) -> DrawnAnswers? {
    let counts = [
      subject.count, sample.count, tokens.count, ended.count, text.count, object.count,
      canonical.count, logProbability.count, verdict.count,
    ]
    let vocabulary = 0..<Int32(vocabularySize)
    guard counts.allSatisfy({ $0 == query.count }),
      zip(query, subject).allSatisfy({
        graph.queries.indices.contains($0) && graph.queries[$0].subject == $1
      }),
      sample.allSatisfy({ (0...Int(Int32.max)).contains($0) }),
      tokens.allSatisfy({ $0.allSatisfy(vocabulary.contains) }),
      object.allSatisfy({ $0.map { graph.entities.indices.contains(Int($0)) } ?? true }),
      logProbability.allSatisfy({ $0 <= 1 }),
      evidence.allSatisfy({
        graph.queries.indices.contains($0.query)
          && $0.texts.allSatisfy {
            $0.tokens.allSatisfy(vocabulary.contains) && $0.logProbability <= 1
              && (1...Int(Int32.max)).contains($0.count)
          }
      })
    else { return nil }
    return DrawnAnswers(
      judged: query.indices.map { index in
        JudgedAnswer(
          query: query[index], subject: subject[index],
          answer: SampledAnswer(
            temperature: 1, sample: sample[index], tokens: tokens[index], ended: ended[index],
            text: text[index], object: object[index], isCanonical: canonical[index],
            logProbability: logProbability[index], verdict: verdict[index]))
      }, evidence: evidence)
  }
}
