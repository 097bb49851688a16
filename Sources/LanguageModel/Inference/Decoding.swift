/// The completions under way in one group of prompts, as a tree: what begins alike is computed once.
///
/// What the model says after a text does not depend on how the text was drawn, so that all samples, of all
/// temperatures, that have written the same so far share one row of the cache.
struct Decoding {
  /// A text so far, which is a row of the cache.
  struct Node {
    /// Tokens in the cache, which is also the place of the newest token.
    let length: Int32
    var newest: Int32 = 0
  }

  /// One completion that still grows.
  struct Walker {
    let prompt: Int
    let plan: Int
    let sample: Int
    /// Where it is in `nodes`.
    var node: Int
  }

  private(set) var nodes: [Node]
  /// By plan, then prompt, then sample.
  private(set) var walkers: [Walker] = []
  /// By prompt, then plan, then sample.
  private(set) var completions: [[[Completion]]]
  private let limits: GenerationLimits

  init(prompts: [[Int32]], plans: [SamplePlan], limits: GenerationLimits) {
    self.limits = limits
    nodes = prompts.map { Node(length: Int32($0.count) - 1) }
    completions = prompts.map { _ in
      plans.map { [Completion](repeating: Completion(), count: $0.samples) }
    }
    for (plan, value) in plans.enumerated() {
      for prompt in prompts.indices {
        for sample in 0..<value.samples {
          walkers.append(Walker(prompt: prompt, plan: plan, sample: sample, node: prompt))
        }
      }
    }
  }

  /// Books the tokens just drawn, one a walker, and goes on to the texts they lead to.
  ///
  /// Returns the old node that each new node grows from, in order.
  mutating func take(tokens: [Int32], logProbabilities: [Double]) -> [Int32] {
    var parents: [Int32] = []
    var next: [Node] = []
    var places: [UInt64: Int] = [:]
    var alive: [Walker] = []
    alive.reserveCapacity(walkers.count)
    for (index, walker) in walkers.enumerated() {
      let token = tokens[index]
      let ends = book(token, logProbabilities[index], of: walker)
      if ends { continue }
      let key = UInt64(walker.node) << 32 | UInt64(UInt32(bitPattern: token))
      var moved = walker
      if let place = places[key] {
        moved.node = place
      } else {
        moved.node = next.count
        places[key] = next.count
        parents.append(Int32(walker.node))
        next.append(Node(length: nodes[walker.node].length + 1, newest: token))
      }
      alive.append(moved)
    }
    nodes = next
    walkers = alive
    return parents
  }

  /// Adds a token to a completion; whether that ends it.
  private mutating func book(
    _ token: Int32, _ logProbability: Double, of walker: Walker
  ) -> Bool {
    var completion = completions[walker.prompt][walker.plan][walker.sample]
    completion.logProbability += logProbability
    let ends = token == limits.endToken || limits.stopTokens.contains(token)
    if token == limits.endToken { completion.ended = true }
    if !ends { completion.tokens.append(token) }
    completions[walker.prompt][walker.plan][walker.sample] = completion
    return ends
  }
}
