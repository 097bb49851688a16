import LabCore

extension HeldOutShares {
  /// Reads "query=0.1,subject=0.05,object=0.1", in any order, absent ones being 0.
  ///
  /// Throws `LabError` for an unknown level or a share outside [0, 1).
  package init(option text: String) throws {
    let known = HeldOutLevel.allCases.map(\.rawValue)
    var shares: [String: Double] = [:]
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let fields = item.split(separator: "=", omittingEmptySubsequences: false).map {
        String($0).filter { $0 != " " }
      }
      guard fields.count == 2 else {
        throw LabError(
          "--hold-out \(text): '\(item)' is not of the form level=share, such as query=0.1", .usage)
      }
      guard known.contains(fields[0]) else {
        throw LabError(
          "--hold-out \(text): there is no level '\(fields[0])'"
            + Suggestion.hint(for: fields[0], in: known), .usage)
      }
      guard let share = Double(fields[1]), share >= 0, share < 1 else {
        throw LabError(
          "--hold-out \(text): \(fields[0]) must be at least 0 and below 1, not '\(fields[1])'",
          .usage)
      }
      guard shares.updateValue(share, forKey: fields[0]) == nil else {
        throw LabError("--hold-out \(text): \(fields[0]) is given twice", .usage)
      }
    }
    self.init(
      object: shares["object"] ?? 0, query: shares["query"] ?? 0, subject: shares["subject"] ?? 0)
    guard query + subject < 1 else {
      throw LabError(
        "--hold-out \(text): query and subject together leave nothing to train on; their sum must be "
          + "below 1", .usage)
    }
  }
}
