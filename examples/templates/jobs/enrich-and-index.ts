import { chain, Job, task, templates, type Infer } from 'resque-runtime'
import { z } from 'zod'

const EnrichInput = z.object({
  doc_id: z.string().describe('Which document'),
  llm_model: z.string(),
  index_name: z.string(),
  max_words: z.number().default(100),
})

export class FetchDoc extends Job {
  static input = z.object({ doc_id: z.string() })
  static output = z.object({ text: z.string() })
  async perform({ doc_id }: Infer<typeof FetchDoc.input>) {
    return { text: `the text of document ${doc_id}` }
  }
}

export class EnrichDoc extends Job {
  static input = z.object({ text: z.string(), llm_model: z.string(), max_words: z.number() })
  static output = z.object({ summary: z.string() })
  async perform({ text, llm_model, max_words }: Infer<typeof EnrichDoc.input>) {
    return { summary: `${llm_model} says: ${text.split(' ').slice(0, max_words).join(' ')}` }
  }
}

export class IndexDoc extends Job {
  static input = z.object({ doc_id: z.string(), summary: z.string(), index_name: z.string() })
  async perform({ doc_id, summary, index_name }: Infer<typeof IndexDoc.input>) {
    this.log(`${index_name}: ${doc_id}: ${summary}`)
    return { indexed: true }
  }
}

/** The parameters are in the run's memory before the first step may start: every step finds what it needs there. */
export const enrichAndIndex = templates.register(
  'enrich_and_index',
  { input: EnrichInput, description: 'Fetch a document, summarize it, index the summary' },
  () => chain(task(FetchDoc), task(EnrichDoc), task(IndexDoc)),
)
