// powershell_grammar.mjs MODULES FILE...: parses each file as PowerShell, and once more with a
// bracket too many, which must be found wrong. The grammar is more lenient than PowerShell and in
// places less so (a size such as 10MB), so this finds slips, and proves no script right.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, ...files] = process.argv.slice(2);
const { Language, Parser } = await import(pathToFileURL(path.join(modules, 'web-tree-sitter/web-tree-sitter.js')));
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(path.join(modules, 'tree-sitter-powershell/tree-sitter-powershell.wasm')));

function faults(text) {
  const found = [];
  const visit = (node) => {
    if (node.isError || node.isMissing) {
      const { row, column } = node.startPosition;
      found.push(`${row + 1}:${column + 1}: ${node.isMissing ? 'missing ' + node.type : 'not understood'}`);
    }
    node.children.forEach(visit);
  };
  visit(parser.parse(text).rootNode);
  return found;
}

let failed = 0;
const complain = (file, what) => {
  console.error(`${file}: ${what}`);
  failed += 1;
};
for (const broken of ['if ($true) {', 'Write-Output (1', '@{ a = 1', '"open']) {
  if (faults(broken).length === 0) complain('self-check', `nothing wrong was found in: ${broken}`);
}
for (const file of files) {
  const text = fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  for (const fault of faults(text)) complain(file, fault);
  if (faults(text + '\n}').length === 0) complain(file, 'nothing wrong was found with a bracket too many');
}
if (files.length < 9) complain('self-check', `only ${files.length} texts were given`);
console.log(`${files.length} texts, ${failed} faults`);
process.exit(failed === 0 ? 0 : 1);
