/// The page's style sheet: calm, typographic, two themes, nothing fetched.
enum PageStyle {
  /// Series beyond this many are drawn in ink.
  static let seriesLimit = 32

  static let css =
    theme + layout + text + figures + tables + FigureStyle.css(FigureStyle.page) + series

  private static let theme = """
    :root{color-scheme:light dark;--page:#ffffff;--card:#f6f7f9;--ink:#1b1f24;--soft:#5a6270;
    --line:#dde1e6;--grid:#e7eaee;--link:#0b5fa5;--note:#b8860b}
    @media (prefers-color-scheme:dark){:root{--page:#14171c;--card:#1c2027;--ink:#e6e9ee;
    --soft:#a2abb9;--line:#333a45;--grid:#282e37;--link:#7ab8f5;--note:#d6b23a}}

    """

  private static let layout = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
    @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    body{margin:0;background:var(--page);color:var(--ink);line-height:1.55;
    font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-size:16px}
    main{max-width:1120px;margin:0 auto;padding:2.5rem 1.25rem 4rem}
    section{margin-top:3.25rem;border-top:1px solid var(--line);padding-top:.5rem}
    p,li,dd,dt,h1,h2,h3,figcaption,td,th{overflow-wrap:anywhere}
    p,ul,ol,figcaption{max-width:46rem}
    a{color:var(--link);text-underline-offset:.15em;text-decoration-thickness:1px}
    :focus-visible{outline:2px solid var(--link);outline-offset:2px}
    footer{margin-top:4rem;border-top:1px solid var(--line);padding-top:1rem;color:var(--soft);
    font-size:.875rem}
    @media (max-width:640px){main{padding:1.5rem 1rem 3rem}body{font-size:15.5px}}
    @media print{section,figure{break-inside:avoid}nav,.tools,details{display:none}}

    """

  private static let text = """
    h1{font-size:clamp(1.55rem,1.2rem + 1.8vw,2.2rem);line-height:1.2;letter-spacing:-.015em;
    margin:0 0 .4rem;font-weight:650}
    h2{font-size:1.35rem;line-height:1.3;margin:1.4rem 0 .6rem;font-weight:650;
    letter-spacing:-.01em}
    h3{font-size:1rem;margin:0 0 .7rem;font-weight:600;line-height:1.4}
    h3 .number{color:var(--soft);font-weight:400;margin-right:.35em}
    .subtitle{color:var(--soft);margin:.2rem 0 1.2rem}
    code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
    font-size:.875em}
    p code,li code,figcaption code,dd code{background:var(--card);border-radius:3px;padding:.1em .3em}
    .command{background:var(--card);border:1px solid var(--line);border-radius:6px;margin:.6rem 0;
    width:fit-content;max-width:100%;padding:.45rem .75rem;overflow-x:auto;font-size:.875rem;line-height:1.45}
    .command code::before{content:"$ ";color:var(--soft);user-select:none}
    .note{border-left:3px solid var(--note);padding:.1rem 0 .1rem .9rem;color:var(--soft)}
    .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,10.5rem),1fr));
    gap:.75rem;margin:1.6rem 0}
    .card{background:var(--card);border-radius:8px;padding:.8rem 1rem .85rem}
    .card dt{font-size:.8125rem;color:var(--soft);line-height:1.35}
    .card dd{margin:0}
    .card .value{font-size:1.7rem;line-height:1.25;font-weight:600;letter-spacing:-.02em;
    font-variant-numeric:tabular-nums;margin:.15rem 0}
    .card .detail{font-size:.8125rem;color:var(--soft);line-height:1.4}
    @media (max-width:640px){.cards{grid-template-columns:1fr 1fr;gap:.6rem}
    .card{padding:.65rem .75rem}.card .value{font-size:1.4rem}}
    nav{margin-top:2rem;font-size:.9375rem}
    nav h2{font-size:.8125rem;font-weight:600;color:var(--soft);letter-spacing:0;margin:0 0 .4rem}
    nav>ol{max-width:none;columns:2 22rem;column-gap:2.5rem;margin:0;padding-left:1.4rem}
    nav li{break-inside:avoid;padding:.15rem 0}
    nav ul{padding-left:0;list-style:none;margin:.1rem 0 .5rem;font-size:.875rem}
    nav ul a{color:var(--soft);text-decoration:none}
    nav ul a:hover{text-decoration:underline}

    """

  private static let figures = """
    figure{margin:2.2rem 0 2.6rem;min-width:0}
    figcaption{color:var(--soft);font-size:.9rem;line-height:1.5;margin:.6rem 0 .4rem}
    .undrawn{font-style:italic}
    .panels{display:grid;gap:1.4rem 1.6rem;grid-template-columns:minmax(0,1fr)}
    .panels.narrow{display:none}
    .panels.n1{max-width:860px}
    .panels.n2,.panels.n4{grid-template-columns:repeat(auto-fit,minmax(min(100%,350px),1fr))}
    .panels.n3,.panels.n5{grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr))}
    .panel{display:block;width:100%;height:auto;border-radius:4px}
    @media (max-width:700px){.panels.wide{display:none}.panels.narrow{display:grid}
    .panels{grid-template-columns:minmax(0,1fr) !important}.panel{max-width:480px}}
    .legend{display:flex;flex-wrap:wrap;align-items:baseline;gap:.1rem .9rem;font-size:.875rem;
    margin:0 0 .5rem}
    .legend>span{color:var(--soft)}
    .legend ul{display:flex;flex-wrap:wrap;gap:.1rem 1rem;list-style:none;margin:0;padding:0;
    max-width:none}
    .legend li{display:inline-flex;align-items:center;gap:.35rem;cursor:default;min-width:0}
    .legend svg{flex:none}
    .key{color:var(--soft)}
    figure.focused .on{opacity:1}
    figure.focused .panel :is(.line,.point,.interval,.band,.label):not(.on){opacity:.12}
    .point.near .marker{stroke:var(--ink);stroke-width:1.6}
    .tools{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;margin:.3rem 0;font-size:.875rem}
    details{font-size:.9rem;margin-top:.4rem}
    summary{color:var(--soft);cursor:pointer;width:fit-content}
    #tip{position:fixed;z-index:9;pointer-events:none;background:var(--ink);color:var(--page);
    border-radius:5px;padding:.4rem .6rem;font-size:.8125rem;line-height:1.45;white-space:pre-line;
    max-width:min(20rem,calc(100vw - 1rem));overflow-wrap:anywhere;
    font-variant-numeric:tabular-nums;left:0;top:0}
    #tip[hidden]{display:none}

    """

  private static let tables = """
    .scroll{overflow-x:auto;max-height:34rem;overflow-y:auto;border:1px solid var(--line);
    border-radius:6px;width:fit-content;max-width:100%}
    details .scroll{margin-top:.5rem}
    table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
    th,td{padding:.32rem .8rem;text-align:left;border-bottom:1px solid var(--grid);
    unicode-bidi:isolate;vertical-align:top}
    td{overflow-wrap:normal;white-space:nowrap}
    td.long{min-width:15rem;white-space:normal;overflow-wrap:anywhere}
    tbody tr:last-child td{border-bottom:0}
    tbody tr:hover{background:var(--card)}
    .num{text-align:right}
    th{position:sticky;top:0;background:var(--page);border-bottom:1px solid var(--line);
    vertical-align:bottom;white-space:normal;overflow-wrap:normal;max-width:20ch}
    th button{all:unset;font-weight:600;line-height:1.3}
    .js th button{cursor:pointer}
    .js th button:focus-visible{outline:2px solid var(--link)}
    .js th button::after{content:"\\2195";color:var(--soft);opacity:.55;font-weight:400;
    margin-left:.3em}
    .js th[aria-sort=ascending] button::after{content:"\\2191";opacity:1}
    .js th[aria-sort=descending] button::after{content:"\\2193";opacity:1}

    """

  private static let series: String = {
    let light = (0..<seriesLimit).map { ".c\($0){color:var(--l\($0))}" }.joined()
    let dark = (0..<seriesLimit).map { ".c\($0){color:var(--d\($0))}" }.joined()
    return "\(light)\n@media (prefers-color-scheme:dark){\(dark)}\n"
  }()
}
