/// Which file of a split a triple goes to.
enum SplitRule {
  /// The parts of a split, as the link-prediction literature names them.
  enum Part: Int, CaseIterable {
    case train, valid, test

    var name: String { "\(self)" }
  }

  private static let key: UInt64 = 0x73_70_6C_69_74

  /// Trained triples go to train; the held-out ones of a query all to valid or all to test, half
  /// each.
  ///
  /// A hash of names decides, so that the same query goes to the same file in every graph.
  static func part(of fact: Fact, subject: UInt64, predicate: UInt64) -> Part {
    guard fact.heldOut != nil else { return .train }
    let draw = NameHash.unit(NameHash.mix(key, NameHash.mix(subject, predicate)))
    return draw < 0.5 ? .valid : .test
  }
}
