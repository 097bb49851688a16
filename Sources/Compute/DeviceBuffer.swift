import CKernels
import LabCore

/// Numbers in a device's memory, zero at first and freed with the last reference.
@safe package final class DeviceBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  // Invariant behind @unchecked: threads that share a buffer work on disjoint slices of it, or only
  // read.
  package let device: Device
  package let count: Int
  let base: UnsafeMutablePointer<Element>

  /// Allocates `count` zeros.
  ///
  /// Throws `LabError` when the memory cannot be had.
  package init(_ count: Int, on device: Device) throws {
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    guard let memory = unsafe device.table.pointee.allocate(bytes) else {
      throw LabError(
        "cannot allocate \(bytes / (1 << 20)) MiB; choose a smaller model, batch or number of lanes",
        .failure)
    }
    self.device = device
    self.count = count
    unsafe base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
  }

  deinit { unsafe device.table.pointee.release(base) }

  /// All of the buffer.
  package var all: Slice<Element> { Slice(buffer: self, offset: 0, count: count) }

  /// `count` numbers from `offset` on.
  package func slice(_ offset: Int, _ count: Int) -> Slice<Element> { all.slice(offset, count) }
}

/// A stretch of a buffer; holds on to the buffer.
@safe package struct Slice<Element: BitwiseCopyable>: Sendable {
  package let buffer: DeviceBuffer<Element>
  package let offset: Int
  package let count: Int

  var pointer: UnsafeMutablePointer<Element> { unsafe buffer.base + offset }

  /// `count` numbers from `offset` on, counted inside this slice.
  package func slice(_ offset: Int, _ count: Int) -> Slice<Element> {
    precondition(
      offset >= 0 && count >= 0 && offset + count <= self.count,
      "slice \(offset)+\(count) is outside 0..<\(self.count)")
    return Slice(buffer: buffer, offset: self.offset + offset, count: count)
  }

  /// The first `count` numbers.
  package func prefix(_ count: Int) -> Slice<Element> { slice(0, count) }

  /// Copies host values to the start of the slice; there must be room.
  package func copyIn(_ values: [Element]) {
    precondition(values.count <= count, "\(values.count) values do not fit into \(count)")
    unsafe values.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      unsafe buffer.device.table.pointee.copy_in(pointer, source, bytes.count)
    }
  }

  /// The values, copied to the host.
  package func copyOut() -> [Element] {
    guard count > 0 else { return [] }
    return unsafe [Element](unsafeUninitializedCapacity: count) { values, filled in
      unsafe buffer.device.table.pointee.copy_out(
        values.baseAddress, pointer, count * MemoryLayout<Element>.stride)
      filled = count
    }
  }
}

/// Single-precision numbers in a device's memory.
package typealias FloatSlice = Slice<Float>
/// 32-bit integers in a device's memory.
package typealias IntSlice = Slice<Int32>
