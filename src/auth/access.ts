/** stub */
export type Access = { type: string };
export type Subject = { sub_ids: { id: string; format: 'uri' }[] };
