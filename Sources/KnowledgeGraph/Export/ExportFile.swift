import Foundation
import LabCore

/// A file that is written piece by piece, plain or through the system's gzip.
final class ExportFile {
  private static let pieceSize = 1 << 20

  let name: String
  private(set) var lineCount = 0
  private let url: URL
  private let file: FileHandle
  private let gzip: GzipWriter?
  private var buffer: [UInt8] = []

  /// Makes the file `url`, which must not exist.
  init(_ url: URL, isCompressed: Bool) throws {
    self.url = url
    name = url.lastPathComponent
    file = try AtomicFile.newFile(url)
    gzip = isCompressed ? try GzipWriter(to: file, name: url.lastPathComponent) : nil
    buffer.reserveCapacity(Self.pieceSize + 4096)
  }

  /// Adds one line by letting `body` append its bytes; the line's end is added here.
  @inline(__always)
  func line(_ body: (inout [UInt8]) throws -> Void) throws {
    try body(&buffer)
    buffer.append(0x0A)
    lineCount += 1
    if buffer.count >= Self.pieceSize { try flush() }
  }

  /// Adds bytes that are no line.
  func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

  private func flush() throws {
    let data = Data(buffer)
    buffer.removeAll(keepingCapacity: true)
    if let gzip { try gzip.write(data) } else { try file.write(contentsOf: data) }
  }

  /// Writes what is left and flushes it to the disk; returns the file's size in bytes.
  func finish() throws -> Int {
    try flush()
    try gzip?.finish()
    try file.synchronize()
    try file.close()
    let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
    return (attributes[.size] as? NSNumber)?.intValue ?? 0
  }

  /// Ends the writing of a file that will be thrown away.
  func abandon() {
    gzip?.stop()
    try? file.close()
  }
}

/// A gzip process that packs what it is given into a file.
private struct GzipWriter {
  private let process: ChildProcess

  init(to file: FileHandle, name: String) throws {
    // Without name and time, so that the same triples give the same bytes.
    process = try Gzip.start("-nc", target: file.fileDescriptor, for: name)
  }

  func write(_ data: Data) throws {
    do {
      try process.write(data, patience: .infinity)
    } catch {
      try finish()
      throw error
    }
  }

  func finish() throws {
    if let complaint = Gzip.complaint(process) { throw WriteFailure(text: complaint) }
  }

  func stop() { process.end(patience: 0) }
}
