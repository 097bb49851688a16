package import Compute
package import KnowledgeGraph
import LabCore
import LanguageModel

/// Values of a study's file that several measures read.
extension SchemaNode {
  /// The canonical name of a size on the dial.
  package func modelSize() throws -> String {
    do {
      return try ModelSize(named: try text()).name
    } catch let error as LabError {
      throw error.description.contains(":") && error.exitStatus == .badInput
        ? error : failure("is no size: \(error.description)")
    }
  }

  /// `fp32`, `bf16`, or `auto` for the faster of the two on this machine.
  package func precision() throws -> Precision { try choice(PrecisionChoice.self).resolved() }
}
