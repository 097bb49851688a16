import CKernels
import LabCore

/// Arithmetic of matrix products.
package enum Precision: String, Codable, CaseIterable, Sendable {
  /// Single precision throughout.
  case fp32
  /// Products of bfloat16 inputs summed in single precision; everything else in single precision.
  case bf16

  var raw: kl_precision { self == .fp32 ? .KL_PRECISION_FP32 : .KL_PRECISION_BF16 }
}

/// A place where kernels run: one kernel table and the memory it reaches.
@safe package final class Device: @unchecked Sendable {
  // Invariant behind @unchecked: a table is written once, before it is handed out, and never after.
  let table: UnsafePointer<kl_table>

  private init(_ table: UnsafePointer<kl_table>) { unsafe self.table = table }

  /// The fastest kernels this CPU can run.
  package static let cpu = unsafe Device(kl_table_cpu())

  /// Plain loops, for tests.
  package static let reference = unsafe Device(kl_table_reference())

  /// Every kernel table this CPU can run, best first; the reference is last.
  package static let all: [Device] = {
    var tables = unsafe [UnsafePointer<kl_table>?](repeating: nil, count: 16)
    let count = unsafe kl_tables(&tables, tables.count)
    return unsafe tables.prefix(count).compactMap { table in
      unsafe table.map { unsafe Device($0) }
    }
  }()

  /// The device whose kernel table has this name.
  ///
  /// Throws `LabError` naming the tables there are for any other name.
  package static func named(_ name: String) throws -> Device {
    let names = all.map(\.name)
    guard let device = all.first(where: { $0.name == name }) else {
      throw LabError(
        "no kernel table '\(name)' on this processor\(Suggestion.hint(for: name, in: names)); "
          + "tables: \(names.joined(separator: " "))", .usage)
    }
    return device
  }

  /// "reference", "cpu", "cpu-avx2" or "cpu-avx512".
  package var name: String { unsafe String(cString: table.pointee.name) }

  /// Bytes of a weight matrix in the form its products read fastest; 0 where that is the plain one.
  package func packedBytes(_ precision: Precision, outputs: Int, inputs: Int) -> Int {
    unsafe table.pointee.packed_bytes(precision.raw, inputs, outputs)
  }

  /// Whether bfloat16 products are faster than single precision here.
  package var supportsBF16: Bool { unsafe table.pointee.supports_bf16() != 0 }
}

/// What a user asks for: a precision, or the faster one of the machine at hand.
package enum PrecisionChoice: String, Codable, CaseIterable, Sendable {
  /// bf16 where the processor multiplies it faster than single precision, fp32 elsewhere.
  case auto
  case fp32
  case bf16

  /// The precision itself, which is what a run's configuration records.
  package func resolved(on device: Device = .cpu) -> Precision {
    Precision(rawValue: rawValue) ?? (device.supportsBF16 ? .bf16 : .fp32)
  }
}
