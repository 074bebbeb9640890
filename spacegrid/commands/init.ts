import { relative } from 'node:path'
import type { AddCommand } from '../command-line/add-command.ts'
import { writeProject } from '../init/project.ts'

async function run(place: string, { json = false }: { json?: boolean }): Promise<void> {
  const { name, folder, files } = await writeProject(place)
  if (json) process.stdout.write(`${JSON.stringify({ name, folder, files })}\n`)
  else
    process.stdout.write(`${name} is ready: ${files.join(', ')}

  cd ${relative(process.cwd(), folder) || '.'}
  npm install
  npm test
  npm run dev
`)
}

export const addInit: AddCommand = (program) => {
  program
    .command('init')
    .description(
      'Makes a new project in a folder of its own: a space, its test, what runs it in containers, a README. It depends on spacegrid only.',
    )
    .argument('<name>', 'of the project and its folder: lower-case letters, digits and dashes')
    .option('--json', 'what was written, as JSON')
    .addHelpText('after', '\nExit code: 0 done, 2 the name is none, or the folder is not empty.')
    .action(run)
}
