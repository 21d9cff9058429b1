/** `npm run example:page` */

import { serve } from '../site.mjs';

await serve(new URL('.', import.meta.url));
