/// The completions under way in one group of prompts, as a tree: what begins alike is computed
/// once.
///
/// What the model says after a text does not depend on how the text was drawn, so that all samples,
/// of all temperatures, that have written the same so far share the rows of the cache.
struct Decoding {
  /// A text so far.
  struct Node {
    /// Rows of the cache that hold its tokens, the newest last once it has one.
    var path: [Int32]
    var newest: Int32
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

  /// Begins with one node a prompt, whose tokens but the last are in the given rows of the cache.
  init(
    prompts: [[Int32]], rows: [[Int32]], plans: [SamplePlan], limits: GenerationLimits
  ) {
    self.limits = limits
    nodes = zip(prompts, rows).map { Node(path: $1, newest: $0[$0.count - 1]) }
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

  /// Gives the newest token of each node a row of the cache, from `first` on.
  mutating func place(from first: Int32) {
    for index in nodes.indices { nodes[index].path.append(first + Int32(index)) }
  }

  /// Books the tokens just drawn, one a walker, and goes on to the texts they lead to, whose newest
  /// tokens have no rows yet.
  mutating func take(tokens: [Int32], logProbabilities: [Double]) {
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
        next.append(Node(path: nodes[walker.node].path, newest: token))
      }
      alive.append(moved)
    }
    nodes = next
    walkers = alive
  }

  /// Adds a token to a completion; whether that ends it.
  private mutating func book(
    _ token: Int32, _ logProbability: Double, of walker: Walker
  ) -> Bool {
    let ends = token == limits.endToken || limits.stopTokens.contains(token)
    // In place: a copy of the completion would copy its tokens.
    completions[walker.prompt][walker.plan][walker.sample].add(
      token, logProbability, ends: ends, well: token == limits.endToken)
    return ends
  }
}

extension Completion {
  fileprivate mutating func add(_ token: Int32, _ score: Double, ends: Bool, well: Bool) {
    logProbability += score
    if well { ended = true }
    if !ends { tokens.append(token) }
  }
}
