import ArgumentParser
import Foundation
import Training

/// When a process of an audit ends itself, as `kill -9` would: "stepped:57" or "saving:60".
struct KillMoment: ExpressibleByArgument, Encodable, Equatable {
  let moment: RuntimeOptions.Moment
  /// The first step of which it is the moment.
  let step: Int

  init(_ moment: RuntimeOptions.Moment, step: Int) {
    self.moment = moment
    self.step = step
  }

  init?(argument: String) {
    let parts = argument.split(separator: ":")
    guard parts.count == 2, let moment = RuntimeOptions.Moment(rawValue: String(parts[0])),
      let step = Int(parts[1])
    else { return nil }
    self.init(moment, step: step)
  }

  var argument: String { "\(moment.rawValue):\(step)" }

  /// What a table says.
  var words: String { moment == .stepped ? "after step \(step)" : "while saving step \(step)" }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(argument)
  }

  /// Ends the process at once, with no clean-up whatever, when the moment has come.
  func killSelf(at moment: RuntimeOptions.Moment, step: Int) {
    if moment == self.moment, step >= self.step { kill(getpid(), SIGKILL) }
  }
}
