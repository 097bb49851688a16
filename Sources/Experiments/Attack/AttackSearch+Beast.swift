import Corpus
import LabCore

extension AttackSearch {
  /// An iteration of BEAST (arXiv 2402.15570): every text of the beams is one token longer, by
  /// tokens that the proposer draws without replacement; those of lowest loss are the next beams,
  /// and the best of all lengths stays in `best`.
  ///
  /// Adds the FLOPs: 2 N T of what the proposer reads, and as much of the victim for every text
  /// that is scored.
  func grow(
    _ beams: inout [[Scored]], _ best: inout [Scored?], _ flops: inout [Double],
    _ examples: [AttackedExample], _ streams: inout [RandomStream],
    _ victim: some AttackVictim, _ proposer: any TextProposer
  ) throws {
    let read = examples.indices.map { index in
      beams[index].map { examples[index].before + field($0.content) }
    }
    var said = try proposer.nextLogProbabilities(of: read.flatMap(\.self))[...]
    var proposals: [[[Int32]]] = []
    for index in examples.indices {
      var own: [[Int32]] = []
      for (text, next) in zip(beams[index], said) {
        own += streams[index].drawn(settings.beastWidth, of: allowed, next) {
          tokenizer.isSlotText(text.content + [$0])
        }.map { text.content + [$0] }
      }
      said = said.dropFirst(beams[index].count)
      proposals.append(own)
      flops[index] += read[index].reduce(0) {
        $0 + 2 * Double(proposer.parameterCount) * Double($1.count)
      }
    }
    var losses = try victim.losses(
      of: examples.indices.flatMap { index in proposals[index].map { text(examples[index], $0) } })[
        ...]
    for index in examples.indices where !proposals[index].isEmpty {
      let scored = zip(proposals[index], losses).map { Scored(content: $0, loss: $1) }
      losses = losses.dropFirst(scored.count)
      for one in scored { flops[index] += self.flops(2, examples[index], one.content, victim) }
      beams[index] = Array(Self.sorted(scored).prefix(settings.beastWidth))
      best[index] = Self.sorted([best[index], beams[index][0]].compactMap(\.self))[0]
    }
  }
}
