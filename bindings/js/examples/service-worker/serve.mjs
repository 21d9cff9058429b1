/** `npm run example:service-worker` */

import { serve } from '../site.mjs';

await serve(new URL('.', import.meta.url));
