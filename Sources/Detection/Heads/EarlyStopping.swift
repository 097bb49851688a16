import LabCore

/// Keeps what had the least validation loss, and says when enough measurements were no better.
struct EarlyStopping<Kept> {
  /// Measurements without improvement after which training stops.
  let patience: Int
  /// The step of the newest measurement.
  private(set) var lastStep = 0
  private(set) var best: (kept: Kept, loss: Double, step: Int)?
  private var waited = 0

  /// `best` is what was kept before, in training that goes on.
  init(patience: Int, best: (kept: Kept, loss: Double, step: Int)? = nil) {
    self.patience = patience
    self.best = best
  }

  /// Notes the loss after a step; `kept` is asked for where it is the least so far.
  ///
  /// Returns whether training stops.
  mutating func stops(after step: Int, loss: Double, keeping kept: @autoclosure () -> Kept) -> Bool
  {
    lastStep = step
    if loss < best?.loss ?? .infinity {
      best = (kept(), loss, step)
      waited = 0
    } else {
      waited += 1
    }
    return waited >= patience
  }

  /// What was kept, its loss and its step; throws `LabError` where no loss was a number.
  func result(of name: String) throws -> (kept: Kept, loss: Double, step: Int) {
    guard let best else {
      throw LabError(
        "the detector \(name) did not train: its validation loss is not a number", .failure)
    }
    return best
  }
}
