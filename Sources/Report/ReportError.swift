package import LabCore

/// What can be wrong with a document given to the writers.
package enum ReportError: LabFailure, Equatable {
  case columnUnknown(name: String, in: String, known: [String])
  case columnNameInvalid(name: String, in: String)
  case columnRepeated(name: String, in: String)
  case identifierInvalid(String)
  case identifierRepeated(String)
  case columnsMissing(in: String)

  package var exitStatus: ExitStatus { .failure }

  package var description: String {
    switch self {
    case .columnUnknown(let name, let user, let known):
      "\(user) asks for column '\(name)', which its data lacks"
        + Suggestion.hint(for: name, in: known)
    case .columnNameInvalid(let name, let user):
      "\(user) has a column named '\(name)'; use lower-case letters, digits and underscores"
    case .columnRepeated(let name, let user):
      "\(user) has two columns named '\(name)'; rename one"
    case .identifierInvalid(let identifier):
      "'\(identifier)' cannot name a figure or a table; "
        + "use lower-case letters, digits and hyphens"
    case .identifierRepeated(let identifier):
      "two figures or tables of the report are named '\(identifier)'; rename one"
    case .columnsMissing(let user):
      "\(user) has no columns; give it at least one"
    }
  }
}
