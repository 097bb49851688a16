import Foundation
import FoundationXML

/// The elements of well-formed XML, in document order; parsing throws where the text is not.
final class XMLElements: NSObject, XMLParserDelegate {
  struct Element {
    var name: String
    var attributes: [String: String]
    var text = ""
  }

  private(set) var elements: [Element] = []
  private var open: [Int] = []

  init(_ text: String) throws {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    guard parser.parse() else {
      throw parser.parserError ?? CocoaError(.propertyListReadCorrupt)
    }
  }

  func count(_ name: String) -> Int { elements.count { $0.name == name } }

  func texts(_ name: String) -> [String] { elements.filter { $0.name == name }.map(\.text) }

  func attributes(ofClass name: String) -> [[String: String]] {
    elements.map(\.attributes).filter {
      $0["class"]?.split(separator: " ").contains(Substring(name)) ?? false
    }
  }

  func rows(ofRoot name: String) -> [String: String] {
    elements.first.flatMap { $0.name == name ? $0.attributes : nil } ?? [:]
  }

  func parser(
    _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    open.append(elements.count)
    elements.append(Element(name: elementName, attributes: attributes))
  }

  func parser(
    _ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?,
    qualifiedName: String?
  ) {
    open.removeLast()
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    if let last = open.last { elements[last].text += string }
  }
}
