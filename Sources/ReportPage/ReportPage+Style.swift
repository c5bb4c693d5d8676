extension ReportPage {
    /// How the page looks: on wide screens and phones, in light and dark, and on paper.
    static let style: Markup = """
        :root {
          color-scheme: light dark;
          --ground: #f6f5f1; --paper: #fff; --ink: #1d1c1a; --soft: #5c5953; --line: #e3e0d8; --fill: #f0eee8;
          --accent: #2a6fb8; --accent-ink: #1f5a9a; --minus: #b3403a; --limit: #8a5300; --shade: #0002;
          --good: #1c6b44; --bad: #7a3d00; --bad-fill: #fdf1dd; --bad-line: #e8b96a;
          --c0: #2a6fb8; --c1: #c8701a; --c2: #2f8f78; --c3: #8a5bb5; --c4: #c2477f; --c5: #7d8a1f; --rest: #8b8880;
          --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
          --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #121315; --paper: #1a1c1f; --ink: #ebeae7; --soft: #a5a39d; --line: #303338; --fill: #25282c;
            --accent: #5b9fe6; --accent-ink: #8fc0f2; --minus: #ec8078; --limit: #e2b15c; --shade: #0008;
            --good: #7fcfa5; --bad: #f6cf8d; --bad-fill: #2e2413; --bad-line: #6d5322;
            --c0: #5b9fe6; --c1: #e79a4c; --c2: #52b89e; --c3: #b48ddb; --c4: #e57cab; --c5: #aeb94d; --rest: #85837d;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
        body {
          margin: 0; padding: 0 clamp(16px, 4vw, 40px); background: var(--ground); color: var(--ink);
          font: 16px/1.5 var(--sans); font-variant-numeric: tabular-nums lining-nums;
        }
        header, main, footer { max-width: 1120px; margin: 0 auto; }
        a { color: var(--accent-ink); text-underline-offset: .2em; text-decoration-thickness: 1px; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        code { font: .86em/1.5 var(--mono); }
        bdi { overflow-wrap: anywhere; }
        abbr { text-decoration: none; }
        h1, h2, h3, h4, p { margin: 0; }
        .unseen {
          position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden;
          clip-path: inset(50%); white-space: nowrap; border: 0;
        }
        .none { color: var(--soft); font-style: italic; }

        header { padding: clamp(32px, 6vw, 64px) 0 0; }
        .kind { color: var(--accent-ink); font-size: 14px; font-weight: 600; }
        h1 { font-size: clamp(26px, 4.4vw, 40px); line-height: 1.15; font-weight: 680; letter-spacing: -.02em; margin: 4px 0 8px; }
        .about { color: var(--soft); }
        .dot { padding: 0 .2em; }
        nav { margin-top: 20px; border-bottom: 1px solid var(--line); }
        nav ul { display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 0; padding: 0 0 12px; list-style: none; font-size: 15px; }
        nav a { text-decoration: none; display: inline-block; padding: 2px 0; }
        nav a:hover { text-decoration: underline; }

        section { margin-top: clamp(36px, 5vw, 56px); }
        #figures { margin-top: 28px; }
        .heading { margin-bottom: 16px; }
        h2 { font-size: 23px; line-height: 1.25; font-weight: 660; letter-spacing: -.012em; }
        .heading p { color: var(--soft); margin-top: 2px; }
        h3 { font-size: 17px; line-height: 1.35; font-weight: 640; }
        h4 { font-size: 15px; line-height: 1.4; font-weight: 640; margin: 28px 0 6px; }
        .panel {
          background: var(--paper); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 16px;
          padding: clamp(16px, 2.4vw, 24px);
        }
        .panel > p, figcaption p { color: var(--soft); font-size: 15px; }
        .panel > h3 + p { margin-bottom: 12px; }
        figcaption { margin-bottom: 24px; }
        .three { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
        .three .panel { margin: 0; min-width: 0; }

        .figures { display: grid; grid-template-columns: repeat(12, 1fr); gap: 16px; margin: 0; }
        .figure {
          grid-column: span 3; background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
          padding: 16px 18px 14px; min-width: 0;
        }
        .figure.first { grid-column: span 6; grid-row: span 2; display: flex; flex-direction: column; justify-content: center; padding: 20px 28px; }
        .figure dt { color: var(--soft); font-size: 14px; }
        .figure dd { margin: 2px 0 0; }
        .value { font-size: 25px; line-height: 1.2; font-weight: 640; letter-spacing: -.015em; overflow-wrap: anywhere; }
        .long .value { font-size: 21px; }
        .longest .value { font-size: 17px; }
        .first .value { font-size: clamp(34px, 5vw, 52px); font-weight: 680; letter-spacing: -.03em; }
        .first.long .value { font-size: clamp(28px, 4vw, 44px); }
        .first.longest .value { font-size: clamp(20px, 3vw, 32px); }
        .unit { color: var(--soft); font-size: 14px; }
        .first .unit { font-size: 18px; }
        .note { display: block; color: var(--soft); font-size: 13.5px; line-height: 1.4; margin-top: 2px; }
        .figure:nth-last-child(-n+2) { grid-column: span 6; }

        .notice { border: 1px solid var(--line); border-radius: 10px; padding: 14px 18px; margin-top: 16px; background: var(--paper); }
        .bad { background: var(--bad-fill); border-color: var(--bad-line); }
        .bad strong, .bad .times { color: var(--bad); }
        .notice ul { margin: 6px 0; padding-left: 20px; }
        .times { font-weight: 600; white-space: nowrap; }
        .good { color: var(--good); margin-top: 16px; font-weight: 560; }
        .good::before { content: "✓"; padding-right: .5em; }

        svg { display: block; }
        svg text { font: 12.5px/1 var(--sans); fill: var(--soft); font-variant-numeric: tabular-nums; }
        .plot { width: calc(100% - 52px); height: 240px; margin: 8px 0 34px 52px; overflow: visible; }
        .plot .y { text-anchor: end; }
        .grid { stroke: var(--line); }
        .zero { stroke: var(--soft); }
        .column { fill: var(--accent); }
        .hit { fill: transparent; }
        g:hover .column { fill: var(--c1); }
        .bar { width: 100%; height: 12px; min-width: 72px; }
        .bar .plus { fill: var(--accent); }
        .bar .minus { fill: var(--minus); }
        .stack { width: 100%; height: 22px; margin: 12px 0 10px; border-radius: 4px; overflow: hidden; }
        .stack rect { stroke: var(--paper); stroke-width: 1.5px; }
        .swatch { display: inline-block; width: 11px; height: 11px; margin-right: 8px; border-radius: 3px; overflow: hidden; flex: none; }
        .c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); }
        .c4 { fill: var(--c4); } .c5 { fill: var(--c5); } .rest { fill: var(--rest); }
        .strip { width: calc(100% - 16px); height: 142px; margin: 8px 8px 20px; overflow: visible; }
        .strip circle { stroke: var(--paper); stroke-width: 1.5px; }
        .strip .far { fill: var(--c1); }
        .strip .near { fill: var(--accent); }
        .limit { stroke: var(--limit); stroke-dasharray: 4 3; }
        .strip .name { fill: var(--ink); }
        .strip tspan { fill: var(--soft); }

        /* A shadow at the side where there is more to scroll to. */
        .scroll {
          overflow-x: auto; margin: 0 -4px; padding: 0 4px;
          background:
            linear-gradient(90deg, var(--paper) 12px, transparent) 0 0 / 28px 100% local,
            linear-gradient(270deg, var(--paper) 12px, transparent) 100% 0 / 28px 100% local,
            linear-gradient(90deg, var(--shade), transparent) 0 0 / 12px 100% scroll,
            linear-gradient(270deg, var(--shade), transparent) 100% 0 / 12px 100% scroll;
          background-repeat: no-repeat;
        }
        footer .scroll { --paper: var(--ground); }
        h4 + .scroll, h4 + .scroll + details { max-width: 720px; }
        h3 + .scroll { margin-top: 12px; }
        table { border-collapse: collapse; width: 100%; font-size: 15px; line-height: 1.4; }
        th, td { padding: 8px 10px; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); }
        th:first-child, td:first-child { padding-left: 0; }
        th:last-child, td:last-child { padding-right: 0; }
        tbody tr:last-child > * { border-bottom: 0; }
        thead th { color: var(--soft); font-size: 13.5px; font-weight: 560; white-space: nowrap; vertical-align: bottom; }
        tbody th { font-weight: 540; }
        .number { text-align: right; white-space: nowrap; }
        td.number:first-child, th.number:first-child { color: var(--soft); text-align: left; width: 1.5em; padding-right: 4px; }
        .head { min-width: 8.5em; max-width: 26em; }
        td { max-width: 30em; }
        td:not(.number):not(.bars) { min-width: 7.2em; }
        .bars { width: 46%; vertical-align: middle; }
        .ranked .bars { width: 15%; }
        .ranked .head { min-width: 12em; }
        .three .head { min-width: 7.6em; }
        .three tbody th:first-child { padding-left: 19px; text-indent: -19px; }
        .three th:not(.head), .three td { padding-left: 6px; padding-right: 6px; }
        .three tr > :last-child { padding-right: 0; }
        .under { display: none; margin-top: 5px; }
        .under .bar { height: 6px; }
        .id { display: block; color: var(--soft); font-weight: 400; font-size: 13.5px; }
        .reasons { margin: 0; padding: 0; list-style: none; min-width: 15em; }
        .reasons li + li { margin-top: 2px; }
        .shown { color: var(--soft); font-size: 14px; margin-top: 10px; }
        details { margin-top: 10px; font-size: 15px; }
        summary { cursor: pointer; color: var(--accent-ink); padding: 4px 0; width: fit-content; }
        summary:hover { text-decoration: underline; text-underline-offset: .2em; }

        footer { margin-top: 64px; padding: 24px 0 48px; border-top: 1px solid var(--line); color: var(--soft); font-size: 14px; }
        footer dl { display: flex; flex-wrap: wrap; gap: 14px 36px; margin: 0; }
        footer dt { font-size: 13px; }
        footer dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; }
        footer h3 { margin: 28px 0 6px; color: var(--ink); }

        @media screen and (max-width: 720px) {
          .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
          .figure, .figure:nth-last-child(-n+2) { grid-column: span 1; padding: 12px 14px; }
          .figure.first { grid-column: 1 / -1; padding: 16px; }
          .value { font-size: 20px; }
          .unit { font-size: 12.5px; }
          .middling:not(.first) .value { font-size: 17px; }
          .long:not(.first) .value { font-size: 15px; }
          .longest:not(.first) .value { font-size: 13px; }
          .wide { display: none; }
          .plot { height: 200px; width: calc(100% - 44px); margin-left: 44px; }
          .barred .bars { display: none; }
          .under { display: block; }
          .ranked .head { min-width: 10.5em; }
          th, td { padding-left: 8px; padding-right: 8px; }
        }

        @media print {
          :root {
            color-scheme: light;
            --ground: #fff; --paper: #fff; --ink: #000; --soft: #474540; --line: #cfccc4; --fill: #f0eee8;
            --accent: #2a6fb8; --accent-ink: #000; --minus: #b3403a; --limit: #7a4b00; --shade: transparent;
            --good: #1c6b44; --bad: #6b3600; --bad-fill: #fff; --bad-line: #b98226;
            --c0: #2a6fb8; --c1: #d9822b; --c2: #2f8f78; --c3: #8a5bb5; --c4: #c2477f; --c5: #7d8a1f; --rest: #8b8880;
          }
          @page { size: A4; margin: 16mm 14mm; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          body { padding: 0; font-size: 10.5pt; }
          nav, .bad a { display: none; }
          header { padding: 0; }
          section { margin-top: 9mm; }
          #customers, #anomalies, #invalid { break-before: page; margin-top: 0; }
          h2, h3, h4, .heading, figcaption, summary { break-after: avoid; }
          figure, tr, .figure, .stack, .strip, .three .panel { break-inside: avoid; }
          .panel { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 4mm 0 0; }
          .three { grid-template-columns: repeat(3, auto); gap: 4mm; }
          .three table { font-size: 7.8pt; }
          .three th:not(.head), .three td { padding-left: .8mm; padding-right: .8mm; }
          .three .id { display: block; }
          .scroll { overflow: visible; background: none; margin: 0; padding: 0; }
          .id { display: inline; font-size: 7.5pt; margin-left: 1.5mm; }
          .note, .unit, .shown, .figure dt { font-size: 8.5pt; }
          .first .unit { font-size: 11pt; }
          .first .value { font-size: 28pt; }
          .value { font-size: 14pt; }
          .ranked .head, .three .head { min-width: 0; }
          thead th { font-size: 8pt; }
          td:not(.number):not(.bars) { min-width: 0; }
          .bar { height: 8px; min-width: 40px; }
          table { font-size: 8.5pt; }
          th, td { padding: 1.1mm 1.4mm; }
          thead { display: table-header-group; }
          .head { min-width: 0; }
          .notice, .panel > p, figcaption p, .heading p { font-size: 9.5pt; }
          .number { white-space: nowrap; }
          figure details, summary { display: none; }
          details::details-content { content-visibility: visible; display: block; block-size: auto; }
          .plot { height: 46mm; }
          svg text { font-size: 8pt; }
          a { text-decoration: none; }
          footer { margin-top: 10mm; padding-bottom: 0; }
        }

        """
}
