package import Foundation

/// Runs a program of the system to its end and gives the code it ended with.
@discardableResult package func runProgram(_ words: String..., in folder: URL? = nil) throws
  -> Int32
{ try startProgram(words, in: folder)() }

/// Starts a program of the system; what it gives waits for the end and gives the code.
package func startProgram(_ words: [String], in folder: URL? = nil) throws -> () -> Int32 {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = words
  process.currentDirectoryURL = folder
  process.standardError = FileHandle.nullDevice
  try process.run()
  return {
    process.waitUntilExit()
    return process.terminationStatus
  }
}
