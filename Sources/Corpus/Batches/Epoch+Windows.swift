import LabCore

/// Window packing: the epoch's text is one line of tokens; a window is a part of it.
extension Epoch {
  /// Windows as one batch; the target of a window's last input is the first input of the next
  /// window.
  func windowBatch(_ windows: Range<Int>) -> TokenBatch {
    let length = corpus.configuration.windowLength
    let inputs = inputRange(windows)
    var batch = BatchBuilder(inputs: inputs.count, sequences: windows.count)
    let targets = (inputs.lowerBound + 1)..<(inputs.upperBound + 1)
    for place in place(at: inputs.lowerBound)...place(at: inputs.upperBound) {
      let start = inputStarts[place]
      let line = start..<inputStarts[place + 1]
      // Distance from the line of this epoch to the corpus' own.
      let shift = corpus.starts[Int(texts[place])] - start
      let tokens = inputs.clamped(to: line)
      if !tokens.isEmpty {
        batch.tokens += corpus.tokens[(tokens.lowerBound + shift)..<(tokens.upperBound + shift)]
      }
      let next = targets.clamped(to: line)
      guard !next.isEmpty else { continue }
      let firstOfObject =
        corpus.configuration.loss == .object
        ? start + Int(corpus.objectPlaces[Int(texts[place])]) + 1 : start
      for position in next {
        batch.targets.append(position < firstOfObject ? -1 : corpus.tokens[position + shift])
      }
    }
    for window in windows {
      batch.endSequence(at: min((window + 1) * length, inputs.upperBound) - inputs.lowerBound)
    }
    return batch.finished
  }

  /// Places in the order of presentations with a predicted token in these windows.
  ///
  /// `<S>` does not count: it is predicted by the end token of the triple before.
  func places(inWindows windows: Range<Int>) -> Range<Int> {
    let inputs = inputRange(windows)
    var first = place(at: inputs.lowerBound)
    if inputStarts[first + 1] - 1 == inputs.lowerBound { first += 1 }
    let last = place(at: inputs.upperBound - 1)
    return first..<max(first, last + 1)
  }

  /// The place of the presentation that has this position of the epoch's line.
  private func place(at position: Int) -> Int {
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) / 2
      if inputStarts[middle + 1] <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func inputRange(_ windows: Range<Int>) -> Range<Int> {
    let length = corpus.configuration.windowLength
    return min(windows.lowerBound * length, inputs)..<min(windows.upperBound * length, inputs)
  }
}
